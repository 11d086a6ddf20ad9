import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import { GroupError } from "lib/distributed/group.ts";
import { isHeld } from "lib/files/lock.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { DeviceError } from "lib/onnx/providers.ts";
import { OPTIMIZERS } from "lib/optim.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { readRecord } from "lib/record/record.ts";
import { FollowedRun } from "lib/run/followed_run.ts";
import { diagnosticsOf, type Measuring, probed } from "lib/run/measures.ts";
import { run, type RunOptions } from "lib/run/run.ts";
import { readRunning } from "lib/run/running.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { Trainers } from "lib/run/trainers.ts";
import type { OptimizerName } from "lib/optim.ts";
import { randomExamples, UNLIKELY } from "../random_examples.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { inMemory, policy, SETTINGS } from "./in_memory.ts";

const CACHE = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(CACHE, { recursive: true }));

const runHere = (settings: GivenSettings, options: RunOptions) =>
  run(settings, { cache: CACHE, ...options });

/** Metrics without what a clock says. */
const timeless = (rows: readonly Readonly<Record<string, unknown>>[]) =>
  rows.map(({ seconds: _seconds, ...rest }) => rest);

Deno.test("run() refuses what does not fit into memory before it writes or compiles", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "out");
  const inputs = inMemory();
  const huge = policy.trained.map((one) => ({ ...one, shape: [1e12] }));
  const given = { ...inputs.policy!, policy: { ...policy, trained: huge } };
  await rejects(
    runHere(SETTINGS, { out, inputs: { ...inputs, policy: given } }),
    {
      message:
        /^Cannot train: the process holds at least \d+\.\d GB, and there are \d+\.\d GB in all; expected a smaller model, or an adapter/,
    },
  );
  deepStrictEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("run() trains what is in memory and writes nothing", async () => {
  const finished = await runHere(SETTINGS, { inputs: inMemory() });
  const { record, rows } = finished!;
  strictEqual(rows.length, 4);
  ok("change/chosen" in rows[1]! && !("change/chosen" in rows[0]!));
  strictEqual(record.model.source, "a random decoder");
  strictEqual(record.model.weights, "0".repeat(64));
  strictEqual(record.objective!.reference, "the decoder before training");
  strictEqual(record.data[0]!.source, "random pairs");
  ok("diagnostics" in record.summary);
  deepStrictEqual(record.artifacts, {});
});

Deno.test("run() in 16 bits has a reference of its own, and records the error", async () => {
  const inputs = inMemory();
  const settings = { ...SETTINGS, steps: 2 };
  const exact = await runHere(settings, { inputs });
  const precision = "float16";
  const found = await runHere({ ...settings, precision }, { inputs });
  const { record, rows } = found!;
  strictEqual(record.settings["precision"], precision);
  strictEqual(record.environment.precision, precision);
  // With the reference in float32 it would not be log 2.
  ok(Math.abs(rows[0]!["loss"]! - exact!.rows[0]!["loss"]!) < 1e-6);
  ok(rows[0]!["lossScale"]! > 1);
  const { rows: scored, mean, largest } = record
    .summary["precisionError"] as Record<string, number>;
  strictEqual(scored, 4);
  ok(mean! > 1e-5 && largest! >= mean! && largest! < 0.2);
  const { examples, cosine, relative } = record
    .summary["gradientError"] as Record<string, number>;
  strictEqual(examples, 4);
  ok(relative! > 1e-5 && relative! < 0.02, `${relative}`);
  // 1 − cos is half the square of the angle.
  ok(cosine! < 1 && 1 - cosine! <= relative! ** 2, `${cosine}`);
  for (const name of ["precisionError", "gradientError"]) {
    ok(!(name in exact!.record.summary));
  }
});

Deno.test("run() keeps its result where the error of a format cannot be measured", async () => {
  const inputs = inMemory();
  let isFull = false;
  const parameters: typeof policy.parameters = (graph) => {
    if (isFull) throw new Error("no memory is left");
    return policy.parameters(graph);
  };
  const given = { ...inputs.policy!, policy: { ...policy, parameters } };
  const found = await runHere({
    ...{ ...SETTINGS, steps: 1, precision: "bfloat16" },
  }, {
    inputs: { ...inputs, policy: given },
    onTrained: () => {
      isFull = true;
    },
  });
  for (const name of ["precisionError", "gradientError"]) {
    deepStrictEqual(found!.record.summary[name], {
      notMeasured: "no memory is left",
    });
  }
});

Deno.test("a reference that moves before all followed examples were seen", async () => {
  const settings = { ...SETTINGS, batch: 2, referenceEvery: 1 };
  const { record } = (await runHere(settings, { inputs: inMemory() }))!;
  const { on, examples } = diagnosticsOf(record)!;
  // Those that the first reference has.
  deepStrictEqual([on, examples], ["training", 2]);
});

for (const failsAt of [2, 4]) {
  Deno.test(`a device that fails in the evaluation after step ${failsAt} costs no line`, async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out");
    const measuring: Measuring = async (trainer, ...others) => {
      const measures = await probed(trainer, ...others);
      const evaluation = () => {
        if (trainer.step < failsAt) return measures.evaluation!();
        throw new DeviceError("webgpu", new Error("it is lost"));
      };
      return { ...measures, evaluation };
    };
    const settings = { ...SETTINGS, saveEvery: 1 };
    const inputs = inMemory();
    await rejects(runHere(settings, { out, inputs, measuring }), {
      message: new RegExp(`Step ${failsAt - 1} is saved in`),
    });
    const found = await runHere(settings, { out, inputs, resume: true });
    const expected = await runHere(settings, { inputs });
    deepStrictEqual(timeless(found!.rows), timeless(expected!.rows));
    deepStrictEqual(found!.record.summary, expected!.record.summary);
  });
}

for (
  const [what, error, words] of [
    [
      "a device",
      new DeviceError("webgpu", new Error("it is lost")),
      "The device webgpu failed: it is lost",
    ],
    [
      "another rank",
      new GroupError("Rank 1: it is lost"),
      "Rank 1: it is lost",
    ],
  ] as const
) {
  Deno.test(`${what} that fails after the last step costs no step`, async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out");
    const settings = { ...SETTINGS, saveEvery: 0 };
    const inputs = inMemory();
    const onTrained = () => {
      throw error;
    };
    await rejects(runHere(settings, { out, inputs, onTrained }), {
      message: new RegExp(`^${words}, .* Step 4 is saved in`),
    });
    const found = await runHere(settings, { out, inputs, resume: true });
    const expected = await runHere(settings, { inputs });
    deepStrictEqual(timeless(found!.rows), timeless(expected!.rows));
    deepStrictEqual(found!.record.summary, expected!.record.summary);
  });
}

Deno.test("run() refuses a number format that the device lacks", async () => {
  await rejects(
    runHere({ ...SETTINGS, precision: "tf32" }, { inputs: inMemory() }),
    {
      message: 'Cannot use precision "tf32" on device "cpu": ' +
        "TF32 is a format of NVIDIA's GPUs: it takes --device cuda",
    },
  );
});

Deno.test("run() cuts attention into tiles where rows are long", async () => {
  for (const [length, cuts] of [[10, 0], [260, 2]] as const) {
    const long = {
      prompt: [1, 5],
      completions: [new Array(length).fill(3), [4]],
    };
    await runHere({ ...SETTINGS, steps: 1 }, {
      inputs: inMemory([long, long]),
      onTrained: ({ options }) => strictEqual(options.attentionCuts, cuts),
    });
  }
});

Deno.test("run() refuses settings that a command line would refuse", async () => {
  await rejects(
    runHere({ ...SETTINGS, batch: 0 }, { inputs: inMemory() }),
    /Cannot run: .*batch.* 0, expected an integer of at least 1/,
  );
});

Deno.test("a loss that reads ratings has them in the hash of its data", async () => {
  const hashes = (loss: string) =>
    Promise.all([1, 2].map(async (factor) => {
      const examples = randomExamples({ data: "pairs" }, 12).map((each) => ({
        ...each,
        ratings: each.ratings!.map((rating) => factor * rating),
      }));
      const inputs = inMemory(examples);
      const finished = await runHere({ ...SETTINGS, loss }, { inputs });
      return finished!.record.data[0]!.sha256;
    }));
  const [one, other] = await hashes("odpo");
  notStrictEqual(one, other);
  const given = "1".repeat(64);
  deepStrictEqual(await hashes("dpo"), [given, given]);
});

Deno.test("run() refuses ratings that are higher of rejected completions", async () => {
  const examples = randomExamples({ data: "pairs" }, 12)
    .map((each, i) => i < 3 ? { ...each, ratings: [1, 2] } : each);
  const settings = { ...SETTINGS, loss: "odpo+0.1*sft" };
  await rejects(
    runHere(settings, { inputs: inMemory(examples) }),
    ({ message, cause }: Error) => {
      strictEqual(
        message,
        'Cannot use random pairs with loss "odpo+0.1*sft"',
      );
      match(String(cause), /: 3 of 12 examples rate a worse completion higher/);
      return true;
    },
  );
});

Deno.test("run() trains with the optimizer that settings name", async () => {
  const losses = async (optimizer: OptimizerName) => {
    const settings = { ...SETTINGS, optimizer };
    const finished = await runHere(settings, { inputs: inMemory() });
    return finished!.rows.map(({ loss }) => loss);
  };
  const [adamw, sgd] = [await losses("adamw"), await losses("sgd")];
  strictEqual(adamw[0], sgd[0]);
  notStrictEqual(adamw[1], sgd[1]);
});

Deno.test("run() writes the same into a folder, with the weights it trained", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "run");
  const written = await runHere(SETTINGS, { inputs: inMemory(), out });
  const unwritten = await runHere(SETTINGS, { inputs: inMemory() });
  deepStrictEqual(timeless(written!.rows), timeless(unwritten!.rows));
  deepStrictEqual(readMetrics(join(out, "metrics.jsonl")), written!.rows);
  deepStrictEqual(await readRecord(join(out, "run.json")), written!.record);
  deepStrictEqual(
    Object.keys(written!.record.artifacts).sort(),
    ["metrics.jsonl", "model/model.safetensors"],
  );
});

Deno.test("runs that share trainers are what each is alone, whatever their numbers", async () => {
  await using all = new Trainers();
  await using last = new Trainers(1);
  const runs = [
    { loss: "dpo", options: { beta: 0.5 } },
    { loss: "dpo", options: { beta: 2, labelSmoothing: 0.1 } },
    { loss: "dpo", options: { referenceFree: true } },
    { loss: "kto", options: {} },
    { loss: "dpo", options: { beta: 0.5 } },
  ];
  for (const differing of runs) {
    const settings = { ...SETTINGS, ...differing };
    const alone = await runHere(settings, { inputs: inMemory() });
    for (const trainers of [all, last]) {
      const shared = await runHere(settings, { inputs: inMemory(), trainers });
      deepStrictEqual(timeless(shared!.rows), timeless(alone!.rows));
      deepStrictEqual(shared!.record.objective, alone!.record.objective);
    }
  }
});

Deno.test("trainers unused for longest are released, and made anew when asked for", async () => {
  await using trainers = new Trainers(2);
  const get = (microTokens: number) =>
    trainers.get({
      ...{ policy, microTokens },
      loss: LOSSES.find(({ id }) => id === "dpo")!,
      lossOptions: { beta: 0.1, labelSmoothing: 0, referenceFree: false },
    });
  const [first, second] = [await get(1), await get(2)];
  strictEqual(await get(1), first);
  await get(3);
  strictEqual(await get(1), first);
  ok(await get(2) !== second);
});

Deno.test("run() compiles a policy and a loss once, and their variants apart", async () => {
  await using trainers = new Trainers();
  const options = (given: Record<string, number | boolean>) => ({
    policy,
    loss: LOSSES.find(({ id }) => id === "dpo")!,
    lossOptions: {
      ...{ beta: 0.1, labelSmoothing: 0, referenceFree: false },
      ...given,
    },
  });
  const first = await trainers.get(options({}));
  strictEqual(await trainers.get(options({ beta: 1 })), first);
  ok(await trainers.get(options({ referenceFree: true })) !== first);
  ok(await trainers.get({ ...options({}), microTokens: 9 }) !== first);
});

Deno.test("a trainer that cannot be made says why, and is not kept", async () => {
  const optimizer = {
    ...OPTIMIZERS.adamw,
    update: () => {
      throw new RangeError("no step like this");
    },
  };
  const inputs = { ...inMemory(), optimizer };
  await rejects(runHere(SETTINGS, { inputs }), {
    name: "RangeError",
    message: "no step like this",
  });
});

Deno.test("measures decide the lines of metrics and add to the summary", async () => {
  const seen: number[] = [];
  const measuring: Measuring = (trainer) =>
    Promise.resolve({
      start: { step: 0, loss: null },
      line: ({ step, loss }) => {
        strictEqual(trainer.step, step);
        seen.push(step);
        return Promise.resolve(step % 2 === 0 ? { step, loss: loss! } : null);
      },
      summary: () => Promise.resolve({ asked: seen.length }),
    });
  const { record, rows } =
    (await runHere(SETTINGS, { inputs: inMemory(), measuring }))!;
  const all = (await runHere(SETTINGS, { inputs: inMemory() }))!.rows;
  deepStrictEqual(rows, [
    { step: 0, loss: null },
    { step: 2, loss: all[1]!["loss"] },
    { step: 4, loss: all[3]!["loss"] },
  ]);
  deepStrictEqual(record.summary, { ...rows[2], asked: 4 });
});

Deno.test("a reference and an order in memory take the place of what a run would compute", async () => {
  const inputs = inMemory();
  const backwards = {
    ...inputs,
    shuffle: (_: number, order: readonly number[]) => order.toReversed(),
  };
  const turned = inMemory(inputs.data!.examples.toReversed());
  const sequential = { ...SETTINGS, order: "sequential" } as const;
  deepStrictEqual(
    timeless((await runHere(SETTINGS, { inputs: backwards }))!.rows)
      .map(({ loss }) => loss),
    timeless((await runHere(sequential, { inputs: turned }))!.rows)
      .map(({ loss }) => loss),
  );
  await rejects(
    runHere(SETTINGS, { inputs: { ...inputs, reference: UNLIKELY } }),
    /The policy does not start at its reference/,
  );
});

Deno.test("a run that is stopped gives nothing, and without a folder keeps nothing", async () => {
  const stop = { requested: true };
  const stopped = await runHere(SETTINGS, { inputs: inMemory(), stop });
  strictEqual(stopped, null);
});

Deno.test("a run in memory is resumed in its folder, to the same numbers", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "run");
  const stop = { requested: true };
  strictEqual(await runHere(SETTINGS, { inputs: inMemory(), out, stop }), null);
  const resumed = await runHere(SETTINGS, {
    ...{ inputs: inMemory(), out, resume: true },
  });
  const whole = await runHere(SETTINGS, { inputs: inMemory() });
  deepStrictEqual(timeless(resumed!.rows), timeless(whole!.rows));
});

/** Removes members of objects in a file of JSON. */
function removeFrom(path: string, object: string, names: readonly string[]) {
  const value = JSON.parse(Deno.readTextFileSync(path));
  for (const name of names) delete value[object][name];
  Deno.writeTextFileSync(path, JSON.stringify(value));
}

Deno.test("what was written before there was a setting goes on by its default", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "out");
  const options = { inputs: inMemory(), out };
  const stop = { requested: false };
  const onStep = (step: number) => void (stop.requested = step === 2);
  await runHere(SETTINGS, { ...options, stop, onStep });
  const later = [
    ...["precision", "recomputeLayers", "baseWeights", "microMemory"],
  ];
  removeFrom(join(out, "checkpoints/step-2/state.json"), "identity", later);
  const other = { ...SETTINGS, precision: "float16" } as const;
  const refused = { message: /precision was "float32", now it is "float16"$/ };
  await rejects(runHere(other, { ...options, resume: true }), refused);
  const found = await runHere(SETTINGS, { ...options, resume: true });
  strictEqual(found!.rows.length, 4);
  removeFrom(join(out, "run.json"), "settings", later);
  await rejects(runHere(other, { ...options, resume: true }), refused);
  const ended = await runHere(SETTINGS, { ...options, resume: true });
  deepStrictEqual(ended!.record.summary, found!.record.summary);
});

Deno.test("a run without a folder can be followed while it lasts", async () => {
  using folder = temporaryFolder();
  const live = join(folder.path, "a");
  const seen: unknown[] = [];
  {
    using followed = new FollowedRun(live);
    await run(SETTINGS, {
      ...{ inputs: inMemory(), ...followed.hooks },
      onTrained: async () => {
        const rows = readMetrics(join(live, "metrics.jsonl"));
        seen.push(rows.map(({ step }) => step), await readRunning(live));
        ok(isHeld(join(live, ".lock")));
      },
    });
  }
  deepStrictEqual(seen, [[1, 2, 3, 4], {
    ...{ loss: "dpo", model: "a random decoder", data: "random pairs" },
    ...{ seed: 3, steps: 4 },
  }]);
  deepStrictEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("a run goes on where nobody can follow it", async () => {
  using folder = temporaryFolder();
  using followed = new FollowedRun(join(folder.path, "gone/a"));
  const finished = await run(SETTINGS, {
    ...{ inputs: inMemory(), ...followed.hooks },
  });
  strictEqual(finished!.rows.length, 4);
  deepStrictEqual([...Deno.readDirSync(folder.path)], []);
});
