import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { followCardMemory, listCards } from "lib/bench/devices/card_memory.ts";
import { devicePlan, deviceWork } from "lib/bench/devices/device_plan.ts";
import { type DeviceJob, timeDevice } from "lib/bench/devices/device_run.ts";
import { writeRandomModel } from "lib/bench/devices/model_shapes.ts";
import { followRun } from "lib/bench/devices/trajectory.ts";
import { profiledRows, timedSteps } from "lib/bench/devices/profile_rows.ts";
import { lineOf } from "lib/bench/workloads.ts";
import { rowTokens } from "lib/data/tree_batch.ts";
import { openModel } from "lib/models/open_model.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

const WORK = {
  profiles: [
    { name: "short", prompt: 5, completion: 3 },
    { name: "long", prompt: 2, completion: 9 },
  ],
  ...{ batch: 2, steps: 2 },
};

Deno.test("steps of all lengths lie in one run, each after one to warm up", () => {
  const rows = profiledRows(WORK, 16);
  const lengths = rows.map(({ prompt, completions: [chosen] }) =>
    `${prompt.length} ${chosen!.length}`
  );
  deepStrictEqual(lengths, [
    ...Array<string>(6).fill("5 3"),
    ...Array<string>(6).fill("2 9"),
  ]);
  deepStrictEqual(timedSteps([0, 1, 2, 3, 4, 5], WORK), [[1, 2], [4, 5]]);
});

Deno.test("a run on random weights times each length, and counts its work", async () => {
  using folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  const [model, cache, rows] = [
    place("model"),
    place("cache"),
    place("rows.jsonl"),
  ];
  Deno.mkdirSync(model);
  await writeRandomModel(model, "tiny");
  const { config } = await openModel(model);
  const pairs = profiledRows(WORK, config.vocabSize);
  Deno.writeTextFileSync(rows, pairs.map(lineOf).join(""));
  const job: DeviceJob = {
    ...{ ...WORK, model, cache, rows, threads: 1, microTokens: 1024 },
    tuning: "lora",
    device: "cpu",
    precision: "float32",
  };
  const { profiles, load, reference } = await timeDevice(job);
  ok(load > 0 && reference > 0);
  profiles.forEach(({ seconds, tokens, needed }, i) => {
    strictEqual(seconds.length, 2);
    strictEqual(tokens, 2 * rowTokens(pairs[6 * i]!));
    ok(needed > 0);
  });
  const once = await followRun(job);
  strictEqual(once.losses.length, 6);
  ok(Math.abs(once.losses[0]! - Math.LN2) < 1e-6);
  ok(once.losses[1]! !== once.losses[0]!);
  deepStrictEqual(await followRun(job), once);
});

Deno.test("a plan goes from the most telling model to the least, both sides in turn", () => {
  const all = { device: "cuda", quick: false } as const;
  const plan = devicePlan({ ...all, python: "python3" });
  strictEqual(plan.length, 16);
  deepStrictEqual(plan.slice(0, 2), [
    {
      ...{ model: "SmolLM2-135M", tuning: "lora", by: "prefgrad" },
      precision: "bfloat16",
    },
    {
      ...{ model: "SmolLM2-135M", tuning: "lora", by: "torch" },
      precision: "bfloat16",
    },
  ]);
  strictEqual(devicePlan({ ...all, python: null }).length, 8);
  strictEqual(deviceWork(all).profiles.length, 6);
});

Deno.test("a card's memory is the most that its driver tells of", async () => {
  using folder = temporaryFolder();
  const program = join(folder.path, "smi");
  const lines = "#!/bin/sh\necho 512\necho 2048\necho 1024\nexec sleep 60\n";
  Deno.writeTextFileSync(program, lines, { mode: 0o755 });
  const card = followCardMemory(program);
  // The shell takes a moment to print.
  await new Promise((done) => setTimeout(done, 200));
  strictEqual(await card.stop(), 2048 * 2 ** 20);
  const none = followCardMemory(join(folder.path, "no such program"));
  strictEqual(await none.stop(), null);
});

Deno.test("cards are listed as their driver names them", async () => {
  using folder = temporaryFolder();
  const program = join(folder.path, "smi");
  const lines = "#!/bin/sh\necho 'NVIDIA H200, 143771 MiB'\n";
  Deno.writeTextFileSync(program, lines, { mode: 0o755 });
  deepStrictEqual(await listCards(program), ["NVIDIA H200, 143771 MiB"]);
  deepStrictEqual(await listCards(join(folder.path, "none")), []);
});
