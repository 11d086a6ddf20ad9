import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { CompareFile } from "experiments/comparison/flags.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { readRecord, type RunRecord } from "lib/record/record.ts";
import type { TrainFile } from "lib/run/settings.ts";
import type { Outcome } from "./run_script.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";

async function putSettings(t: TinyTraining, name: string, values: object) {
  const json = JSON.stringify(values);
  const text = name.endsWith(".ts") ? `export default ${json};` : json;
  await Deno.writeTextFile(join(t.path, name), text);
}

Deno.test("the types of settings know the flags and their values", () => {
  type Fits<T, File> = T extends File ? true : false;
  const fits: readonly [
    Fits<{ loss: string; beta: number[]; lr: number }, CompareFile>,
    Fits<{ schedule: "cosine"; templateOption: { a: false } }, TrainFile>,
  ] = [true, true];
  const others: readonly [
    Fits<{ lr: "0.1" }, CompareFile>,
    Fits<{ set: { dpo: 1 } }, CompareFile>,
    Fits<{ schedule: "cosinus" }, TrainFile>,
  ] = [false, false, false];
  deepEqual([...fits, ...others], [true, true, false, false, false]);
});

Deno.test("compare takes its flags from a file, as JSON or TypeScript", async () => {
  await using t = await tinyTraining();
  // Paths are from the current folder, as those of flags are.
  const settings = {
    ...{ model: "model", data: "pairs.jsonl", loss: ["dpo", "kto", "orpo"] },
    ...{ beta: [0.1, 0.3], seeds: 2, lr: 0.01, heldOut: 0.3, out: "out" },
    set: { orpo: { lr: 0.002 }, kto: { beta: 0.5 } },
    dryRun: true,
  } satisfies CompareFile;
  await Deno.mkdir(join(t.path, "settings"));
  await putSettings(t, "settings/mine.json", settings);
  await putSettings(t, "settings/mine.ts", settings);
  const flags = await t.run("compare", [
    ...["--model", "model", "--data", "pairs.jsonl", "--loss", "dpo,kto,orpo"],
    ...["--beta", "0.1,0.3", "--set", "orpo.lr=0.002,kto.beta=0.5"],
    ...["--seeds", "2", "--lr", "0.01", "--held-out", "0.3", "--out", "out"],
    "--dry-run",
  ]);
  equal(flags.code, 0, flags.err);
  // Below the table are a time and memory that were measured.
  const planned = ({ out, err }: Outcome) => [out.split("\n\n")[0], err];
  for (const file of ["settings/mine.json", "settings/mine.ts"]) {
    deepEqual(planned(await t.run("compare", [file])), planned(flags));
  }
  const other = await t.run("compare", [
    ...["settings/mine.json", "--loss", "dpo,sft", "--set", "dpo.beta=0.7"],
  ]);
  match(other.out, /^dpo β 0\.7 +1e-2 +1\nsft +1e-2 +1$/m);
  const refused = async (values: object, message: RegExp) => {
    await putSettings(t, "wrong.json", { ...settings, ...values });
    const { code, err } = await t.run("compare", ["wrong.json"]);
    equal(code, 2);
    match(err, message);
  };
  await refused({ beta: [0.1, "x"] }, /beta in wrong.json: found \[0.1,"x"\]/);
  await refused({ tuneLr: [1] }, /lr of wrong.json with tuneLr of wrong.json/);
});

Deno.test("train takes its flags from a file, options of its loss too", async () => {
  await using t = await tinyTraining();
  const settings = {
    ...{ model: "model", data: "pairs.jsonl", loss: "dpo", beta: 0.3 },
    ...{ epochs: 2, seed: 4, loraTargets: ["q_proj", "v_proj"] },
  } satisfies TrainFile;
  await putSettings(t, "mine.json", settings);
  const args = ["mine.json", "--steps", "1", "--seed", "5", "--out", "out"];
  const { code, err } = await t.run("train", args);
  equal(code, 0, err);
  const { settings: found } = await readRecord(join(t.path, "out/run.json"));
  const { options, steps, epochs, seed, tuning } = found;
  deepEqual({ steps, epochs, seed }, { steps: 1, epochs: 1, seed: 5 });
  equal((options as Record<string, unknown>)["beta"], 0.3);
  deepEqual(tuning, {
    ...{ kind: "lora", rank: 16, alpha: 32, targets: settings.loraTargets },
  });
  await putSettings(t, "wrong.json", { ...settings, lambda: 1 });
  const wrong = await t.run("train", ["wrong.json", "--out", "wrong"]);
  match(wrong.err, /Loss "dpo" does not take --lambda: expected --beta/);
});

Deno.test("train repeats the settings of a record, with flags on top", async () => {
  await using t = await tinyTraining();
  const train = async (...args: string[]) => {
    const { code, err } = await t.run("train", args);
    equal(code, 0, err);
    return await readRecord(join(t.path, args.at(-1)!, "run.json"));
  };
  const first = await train(
    ...["--model", "model", "--data", "pairs.jsonl", "--loss", "dpo"],
    ...["--beta", "0.3", "--lr", "0.01", "--seed", "3", "--epochs", "2"],
    ...["--lora-rank", "4", "--max-prompt-length", "4", "--out", "first"],
  );
  const again = await train("first/run.json", "--out", "again");
  deepEqual(again.settings, first.settings);
  deepEqual(adapterOf(again), adapterOf(first));
  const other = await train(
    ...["first/run.json", "--steps", "1", "--loss", "simpo", "--out", "other"],
  );
  const { steps, epochs, seed, loss, options } = other.settings;
  deepEqual({ steps, epochs, seed, loss }, {
    ...{ steps: 1, epochs: 1, seed: 3, loss: "simpo" },
  });
  deepEqual(options, { ...resolveOptions(findLoss("simpo")) });
  const refused = async (verb: string, args: string[], message: RegExp) => {
    const { code, err } = await t.run(verb, [...args, "--out", "none"]);
    ok(code > 0);
    match(err, message);
  };
  await Deno.rename(join(t.path, "pairs.jsonl"), join(t.path, "moved.jsonl"));
  await refused(
    "train",
    ["first/run.json"],
    /^error: Cannot find "pairs.jsonl" of the run: expected --data, where it lies now\nIts origin is not recorded; SHA-256 [0-9a-f]{64}$/m,
  );
  const moved = async (out: string) => {
    const args = ["first/run.json", "--data", "moved.jsonl", "--out", out];
    const { code, err } = await t.run("train", args);
    equal(code, 0, err);
    return err;
  };
  const others = /warning: The examples are not those of the run that is repe/;
  doesNotMatch(await moved("moved"), others);
  const rows = await Deno.readTextFile(join(t.path, "moved.jsonl"));
  await Deno.writeTextFile(
    join(t.path, "moved.jsonl"),
    rows.split("\n").slice(8).join("\n"),
  );
  match(await moved("fewer"), others);
  await refused(
    "compare",
    ["first/run.json"],
    /Cannot compare by first\/run.json: .* which deno task train takes$/m,
  );
});

Deno.test("train repeats a run of a comparison on the rows that it wrote", async () => {
  await using t = await tinyTraining();
  const run = async (...[verb, ...args]: [string, ...string[]]) => {
    const { code, err } = await t.run(verb, args);
    equal(code, 0, err);
    return err;
  };
  await run(
    "compare",
    ...["--model", "model", "--data", "pairs.jsonl", "--loss", "kto"],
    ...["--beta", "0.3", "--lr", "0.01", "--batch", "4", "--held-out", "0.3"],
    ...["--flip", "0.5", "--answers", "1", "--max-new-tokens", "1"],
    ...["--out", "out", "--write-rows", "rows"],
  );
  const record = "out/kto-beta0.3-draw0-seed1/run.json";
  const told = await run(
    ...["train", record, "--data", "rows/train.jsonl", "--out", "again"],
  );
  doesNotMatch(told, /warning: The /);
  const again = metricsOf(join(t.path, "again"));
  // Each of the two steps has an evaluation, so that no line is a mean.
  const compared = metricsOf(join(t.path, record, ".."));
  const course = (rows: typeof again) =>
    rows.map(({ step, loss, gradNorm }) => ({ step, loss, gradNorm }));
  deepEqual(course(again), course(compared).slice(1));
  const adapter = join(t.path, "again", "adapter", "adapter_model.safetensors");
  ok((await Deno.stat(adapter)).isFile);
  const { code, err } = await t.run("train", [record, "--out", "none"]);
  equal(code, 2);
  match(
    err,
    /^error: Cannot train by .* without --data: its run trained on a part of pairs.jsonl; .*expected --data ROWS\/train.jsonl$/m,
  );
});

function adapterOf({ artifacts }: RunRecord) {
  const { "metrics.jsonl": _times, ...adapter } = artifacts;
  return adapter;
}
