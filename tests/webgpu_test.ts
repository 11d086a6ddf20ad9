import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { createJobs } from "experiments/reviews/jobs.ts";
import { gradient } from "lib/grad.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { lossGraph } from "lib/loss_tools/evaluate.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { quantizeWeights } from "lib/models/base_weights.ts";
import { loraPolicy, type Policy } from "lib/models/policy.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { graphicsAdapter } from "lib/onnx/adapters.ts";
import { OrtSession } from "lib/onnx/ffi/ort_session.ts";
import { apply } from "lib/onnx/graph/apply.ts";
import { Graph, type Op, type Value } from "lib/onnx/graph/graph.ts";
import { unavailable, unavailablePrecision } from "lib/onnx/devices.ts";
import type { Device, Precision } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type Tensors } from "lib/onnx/tensors.ts";
import { add, cast, mul } from "lib/ops/elementwise.ts";
import { gemm } from "lib/ops/linalg.ts";
import { sum } from "lib/ops/shaping.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import { run as runTraining } from "lib/run/run.ts";
import type { Snapshot } from "lib/train/trained_parameters.ts";
import { type StepResult, Trainer } from "lib/train/trainer.ts";
import { assertClose } from "./assert_close.ts";
import { spread } from "./finite_differences.ts";
import { ONE_LAYER, randomDecoder } from "./models/random_decoder.ts";
import { randomLora, randomTuned } from "./models/random_lora.ts";
import { UNLIKE_LLAMA } from "./models/unlike_llama.ts";
import { OP_CASES, type OpCase } from "./ops/op_cases.ts";
import { randomExamples, UNLIKELY } from "./random_examples.ts";
import { TINY } from "./reviews/tiny_settings.ts";
import { inMemory, SETTINGS } from "./run/in_memory.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { webgpuTest } from "./webgpu.ts";

type Outputs = Readonly<Record<string, Value>>;

/** What a graph gives on a device; no node may leave it. */
async function run(outputs: Outputs, feeds: Tensors, device: Device) {
  const program = await compile(outputs, { device, strict: true });
  const found = await program.run(feeds);
  await program.release();
  return new Map(
    Object.entries(found).map(([name, tensor]) => [name, hostData(tensor)]),
  );
}

async function assertSameOnWebgpu(
  outputs: Outputs,
  feeds: Tensors,
): Promise<void> {
  const expected = await run(outputs, feeds, "cpu");
  for (const [name, found] of await run(outputs, feeds, "webgpu")) {
    const what = `${name} on WebGPU`;
    assertClose(found, [...expected.get(name)!], { tolerance: 2e-6, what });
  }
}

/** The value of a case and its gradients, and what they are fed. */
function withGradients([, xShape, yShape, build]: OpCase) {
  const g = new Graph();
  const [x, y] = [g.input("x", xShape), g.input("y", yShape)];
  const z = build(x, y);
  const weight = g.input("weight", z.shape);
  const [dx, dy] = gradient(sum(mul(z, weight)), [x, y]);
  const numbers = (shape: readonly number[], phase: number) => {
    const data = Float32Array.from(spread(shape, phase).data);
    return { data, shape };
  };
  const feeds = {
    x: numbers(xShape, 0),
    y: numbers(yShape, 2.5),
    weight: numbers(z.shape as number[], 5),
  };
  return { outputs: { z, dx: dx!, dy: dy! }, feeds };
}

for (const opCase of OP_CASES) {
  webgpuTest(`WebGPU computes as the CPU does: ${opCase[0]}`, async () => {
    const { outputs, feeds } = withGradients(opCase);
    await assertSameOnWebgpu(outputs, feeds);
  });
}

for (const dtype of ["bfloat16", "float16"] as const) {
  webgpuTest(`WebGPU reads weights stored as ${dtype}`, async () => {
    using folder = temporaryFolder();
    const file = `${folder.path}/weights`;
    const list = Array.from({ length: 6 }, (_, i) => 0x3c00 + 100 * i);
    Deno.writeFileSync(file, new Uint8Array(Uint16Array.from(list).buffer));
    const g = new Graph();
    const place = { file, offset: 0, length: 12 };
    const weight = cast(g.external({ dtype, shape: [3, 2] }, place), "float32");
    await assertSameOnWebgpu(
      { y: gemm(g.input("x", ["n", 3]), weight) },
      { x: { data: Float32Array.of(1, 2, 3), shape: [1, 3] } },
    );
  });
}

webgpuTest("a strict program refuses a graph that leaves WebGPU", async () => {
  const round: Op = { name: "Round", infer: ([x]) => [x] };
  const y = apply(round, [new Graph().input("x", ["n"])]);
  await rejects(compile({ y }, { device: "webgpu", strict: true }), {
    message: /assigned to the default CPU EP/,
  });
  const x = { data: Float32Array.of(0.7), shape: [1] };
  const program = await compile({ y }, { device: "webgpu" });
  deepStrictEqual([...hostData((await program.run({ x }))["y"])], [1]);
  await program.release();
});

for (const loss of LOSSES) {
  webgpuTest(
    `WebGPU computes the loss and gradient of ${loss.id} as the CPU does`,
    async () => {
      const examples = randomExamples(loss, 5).map((
        { completions, label },
        i,
      ) => ({
        completions: completions.map(({ length }, k) => ({
          logProb: -2.5 * length + Math.sin(i + 3 * k),
          refLogProb: -2.5 * length + Math.cos(2 * i + k),
          length,
        })),
        ...label !== undefined && { label },
      }));
      const mismatched = [0.5, -0.1, 0.3];
      const graph = lossGraph(loss, examples, {
        ...loss.statistics?.rows && { mismatched },
      });
      const { logProbs, feeds, loss: each } = graph;
      const [slope] = gradient(sum(each), [logProbs]);
      await assertSameOnWebgpu({ each, slope: slope! }, feeds);
    },
  );
}

/** Three steps of a few micro-batches each, and what they leave. */
async function train(
  policy: Policy,
  loss: ReturnType<typeof findLoss>,
  { from, ...computing }: {
    device: Device;
    precision?: Precision;
    from?: Snapshot;
  },
): Promise<{ steps: StepResult[]; snapshot: Snapshot }> {
  const lossOptions = resolveOptions(loss);
  const setup = { policy, loss, lossOptions, ...computing, microTokens: 30 };
  const trainer = await Trainer.create({ ...setup, strict: true });
  if (from) await trainer.restore(from);
  const steps: StepResult[] = [];
  for (let step = 0; step < 3; step++) {
    const options = { lossOptions, reference: UNLIKELY, learningRate: 1e-2 };
    steps.push(await trainer.train(randomExamples(loss, 6), options));
  }
  const snapshot = await trainer.save();
  await trainer.release();
  return { steps, snapshot };
}

/**
 * Asserts that two runs went the same way: as far as they do on the CPU if the
 * initial weights are moved by one unit in the last place.
 */
function assertSameRun(
  found: Awaited<ReturnType<typeof train>>,
  expected: typeof found,
): void {
  for (const [i, { loss, gradNorm, logProbs }] of expected.steps.entries()) {
    const step = found.steps[i]!;
    const at = `of step ${i + 1}`;
    const close = (list: number[], wanted: number[], what: string) =>
      assertClose(list, wanted, { tolerance: 5e-6, what: `${what} ${at}` });
    close([step.loss], [loss], "loss");
    close([step.gradNorm], [gradNorm], "gradient norm");
    close(step.logProbs.flat(), logProbs.flat(), "log-probabilities");
  }
  for (const [slot, tensors] of expected.snapshot.tensors) {
    for (const [name, data] of tensors) {
      const list = found.snapshot.tensors.get(slot)!.get(name)!;
      const what = `${slot} of ${name}`;
      assertClose(list, [...data], { tolerance: 5e-5, what });
    }
  }
}

const RUNS = [
  ["full", "dpo"],
  ["full", "kto"],
  ["full", "orpo"],
  ["full", "wpo"],
  ["full", "aot-unpaired"],
  ["full", "listwise-dpo"],
  ["lora", "ld-dpo"],
  ["lora", "dpo"],
  ["lora", "kto"],
  ["lora", "orpo"],
] as const;

/** Cases of training: what is trained, the loss, and the decoder. */
const TRAINED = [
  ...RUNS.map(([kind, id]) => [`${kind} ${id}`, kind, id, ONE_LAYER] as const),
  ...UNLIKE_LLAMA.map(([name, config]) =>
    [name, "full", "dpo", config] as const
  ),
];

/** Trains a case on both devices. */
async function trainOnBoth(
  [, kind, id, config]: typeof TRAINED[number],
  precision: Precision = "float32",
) {
  using folder = temporaryFolder();
  const policy = await randomTuned(kind, folder.path, config);
  const loss = findLoss(id);
  return {
    expected: await train(policy, loss, { device: "cpu", precision }),
    found: await train(policy, loss, { device: "webgpu", precision }),
  };
}

for (const trained of TRAINED) {
  webgpuTest(`WebGPU trains as the CPU does: ${trained[0]}`, async () => {
    const { expected, found } = await trainOnBoth(trained);
    assertSameRun(found, expected);
  });
}

for (const kind of ["int8", "int4"] as const) {
  webgpuTest(
    `WebGPU trains as the CPU does: lora dpo over ${kind}`,
    async () => {
      using folder = temporaryFolder();
      // Matrices with rows of whole blocks, and of less than one.
      const sizes = { hiddenSize: 32, intermediateSize: 24 };
      const decoder = randomDecoder({ ...ONE_LAYER, ...sizes });
      const { lora } = await randomLora(folder.path, decoder);
      const stored = await openWeights(folder.path);
      const { config } = decoder;
      const weights = await quantizeWeights(config, stored, kind);
      const policy = loraPolicy(config, weights, lora);
      const loss = findLoss("dpo");
      const expected = await train(policy, loss, { device: "cpu" });
      const found = await train(policy, loss, { device: "webgpu" });
      assertSameRun(found, expected);
    },
  );
}

webgpuTest("WebGPU goes on from where the CPU stopped", async () => {
  const { policy } = randomDecoder();
  const loss = findLoss("dpo");
  const { snapshot: from } = await train(policy, loss, { device: "cpu" });
  const expected = await train(policy, loss, { device: "cpu", from });
  const found = await train(policy, loss, { device: "webgpu", from });
  assertSameRun(found, expected);
});

webgpuTest(
  "a tensor beyond the adapter's limit is an error of a device that lives on",
  async () => {
    const g = new Graph();
    const sums = add(g.input("x", ["n", 1]), g.input("y", [1, "m"]));
    const program = await compile({ z: sum(sums, [1]) }, { device: "webgpu" });
    const ones = (shape: number[]) => ({
      data: new Float32Array(shape[0]! * shape[1]!).fill(1),
      shape,
    });
    const { limits } = (await graphicsAdapter())!;
    const tooMany = Math.ceil(limits.buffer / 4 / 1000) + 1;
    await rejects(
      program.run({ x: ones([tooMany, 1]), y: ones([1, 1000]) }),
      {
        name: "DeviceError",
        message: /^The device webgpu failed: .*[Bb]uffer/,
      },
    );
    const { z } = await program.run({ x: ones([2, 1]), y: ones([1, 3]) });
    deepStrictEqual([...hostData(z)], [6, 6]);
    await program.release();
  },
);

/** Lets the next runs of graphs on a device fail. */
function failNext(times: number): Disposable {
  const { runBound } = OrtSession.prototype;
  OrtSession.prototype.runBound = function (binding) {
    return times-- > 0
      ? Promise.reject(new Error("Device is lost.\nIts trace"))
      : runBound.call(this, binding);
  };
  return {
    [Symbol.dispose]: () => void (OrtSession.prototype.runBound = runBound),
  };
}

for (
  const [name, times, saved] of [
    ["that is lost keeps the last evaluation", Infinity, 4],
    ["that fails once keeps the last step", 1, 5],
  ] as const
) {
  webgpuTest(`a run on a device ${name}, and goes on from there`, async () => {
    using folder = temporaryFolder();
    const [out, cache] = [`${folder.path}/out`, folder.path];
    const settings = { ...SETTINGS, steps: 6, evalEvery: 2, saveEvery: 0 };
    const onWebgpu = { ...settings, device: "webgpu" } as const;
    {
      using faults = new DisposableStack();
      const onStep = (step: number) => {
        if (step === 5) faults.use(failNext(times));
      };
      const inputs = inMemory();
      await rejects(runTraining(onWebgpu, { inputs, out, cache, onStep }), {
        message: "The device webgpu failed: Device is lost, after step 5 of " +
          `the run. Step ${saved} is saved in ${out}: go on with the same ` +
          "command and --resume, there or with --device cpu",
      });
    }
    const resumed = { inputs: inMemory(), out, cache, resume: true };
    const steps: number[] = [];
    const onStep = (step: number) => void steps.push(step);
    const found = await runTraining(onWebgpu, { ...resumed, onStep });
    strictEqual(steps[0], saved);
    const expected = await runTraining(settings, { inputs: inMemory(), cache });
    const losses = (rows: readonly MetricsRow[]) =>
      rows.map(({ loss }) => Number(loss));
    assertClose(losses(found!.rows), losses(expected!.rows), {
      tolerance: 5e-5,
    });
  });
}

webgpuTest(
  "a run whose device fails before anything is kept says so",
  async () => {
    using folder = temporaryFolder();
    const out = `${folder.path}/out`;
    using _ = failNext(0);
    const onStep = (step: number) => {
      if (step === 0) failNext(Infinity);
    };
    const settings = { ...SETTINGS, device: "webgpu", saveEvery: 0 } as const;
    await rejects(
      runTraining(settings, {
        inputs: inMemory(),
        out,
        cache: folder.path,
        onStep,
      }),
      /webgpu failed: .*, after step 0 of the run\. Nothing is saved: there was no checkpoint \(--save-every\) and no evaluation/,
    );
  },
);

const withoutFloat16 = await unavailable("webgpu") ??
  await unavailablePrecision("webgpu", "float16");

/** Losses and log-probabilities in float16 that are computed in other orders. */
const NEAR = { tolerance: 1e-2 };

for (const trained of TRAINED) {
  Deno.test({
    name: `WebGPU trains in float16 as the CPU imitates it: ${trained[0]}${
      withoutFloat16 ? " (no float16 on WebGPU here)" : ""
    }`,
    ignore: withoutFloat16 !== null,
    fn: async () => {
      const { expected, found } = await trainOnBoth(trained, "float16");
      for (const [i, { loss, logProbs, metrics }] of expected.steps.entries()) {
        const step = found.steps[i]!;
        assertClose([step.loss], [loss], { ...NEAR, what: `loss ${i + 1}` });
        assertClose(step.logProbs.flat(), logProbs.flat(), {
          ...NEAR,
          what: `log-probabilities of step ${i + 1}`,
        });
        deepStrictEqual(step.metrics["lossScale"], metrics["lossScale"]);
      }
    },
  });
}

/** A run of DPO in a few steps, as a software driver takes seconds for each. */
const REVIEWS = {
  ...TINY,
  methods: TINY.methods.slice(0, 1),
  referenceModel: { ...TINY.referenceModel, steps: 3, batch: 4, heldOut: 4 },
  training: { ...TINY.training, steps: 2, batch: 4 },
  evaluation: { steps: [2], samplesPerPrompt: 1, maxNewTokens: 6 },
};
const POINT = { draw: 0, seed: 1, level: {}, ...REVIEWS.methods[0]! };

async function lines(device: Device) {
  const { jobs, release } = await createJobs({ settings: REVIEWS, device });
  const start = await jobs.start(POINT.draw);
  const data = await jobs.prepare({ ...POINT, start });
  const { rows } = await jobs.run({ point: POINT, start, data });
  await release();
  return rows;
}

webgpuTest(
  "a run of an experiment on WebGPU gives the CPU's figures",
  async () => {
    const [cpu, webgpu] = [await lines("cpu"), await lines("webgpu")];
    deepStrictEqual(webgpu.map(({ step }) => step), [0, 2]);
    const [, last] = cpu;
    ok(Number(last!["kl"]) > 1e-4 && last!["goldReward"] !== 0);
    for (const [i, line] of cpu.entries()) {
      for (const [name, expected] of Object.entries(line)) {
        const found = Number(webgpu[i]![name]);
        const error = Math.abs(found - Number(expected));
        const most = 1e-5 + 1e-3 * Math.abs(Number(expected));
        ok(error <= most, `${name} is ${found}, on the CPU ${expected}`);
      }
    }
  },
);
