import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { compile } from "lib/onnx/session.ts";
import { hostData, type HostTensor } from "lib/onnx/tensors.ts";
import {
  adamW,
  chain,
  clippingScale,
  type Optimizer,
  OPTIMIZER_NAMES,
  type OptimizerName,
  OPTIMIZERS,
  scaleByAdam,
  scaleByLearningRate,
  scaleByLion,
  squaredNorm,
  type StepOptions,
} from "lib/optim.ts";
import { assertClose } from "./assert_close.ts";

const vector = (data: Float32Array<ArrayBuffer>): HostTensor => ({
  data,
  shape: [data.length],
});
const scalars = (numbers: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, x]) => [
      name,
      { data: Float32Array.of(x), shape: [] },
    ]),
  );
/** Irregular numbers of both signs. */
const waves = (length: number, phase: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(3 * i + phase));

const ELEMENTS = 6;
const STEPS = [0.1, 0.05, 0.01, 0.02, 0.1].map((learningRate, i) => ({
  learningRate,
  // The second gradient is below the limit, the others are above.
  gradient: waves(ELEMENTS, i).map((x) => i === 1 ? x / 100 : 5 * x),
}));
const WEIGHT_DECAY = 0.3;
const LIMIT = 1;

/** Torch's formula in double precision: decay, moments, corrected step. */
function adamWInDoublePrecision(start: ArrayLike<number>): number[][] {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const p = Array.from(start);
  const m = p.map(() => 0);
  const v = p.map(() => 0);
  return STEPS.map(({ learningRate, gradient }, t) => {
    const clip = Math.min(1, LIMIT / (Math.hypot(...gradient) + 1e-6));
    for (const [i, x] of gradient.entries()) {
      const g = clip * x;
      p[i]! -= learningRate * WEIGHT_DECAY * p[i]!;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const mHat = m[i]! / (1 - beta1 ** (t + 1));
      const vHat = v[i]! / (1 - beta2 ** (t + 1));
      p[i]! -= learningRate * mHat / (Math.sqrt(vHat) + epsilon);
    }
    return [...p];
  });
}

/**
 * SGD's formula as torch has it, m ← μ m + g, p ← p − η m, with the decay taken
 * from p before, as AdamW's is.
 */
function sgdInDoublePrecision(start: ArrayLike<number>): number[][] {
  const p = Array.from(start);
  const m = p.map(() => 0);
  return STEPS.map(({ learningRate, gradient }) => {
    const clip = Math.min(1, LIMIT / (Math.hypot(...gradient) + 1e-6));
    for (const [i, g] of gradient.entries()) {
      m[i] = 0.9 * m[i]! + clip * g;
      p[i] = p[i]! * (1 - learningRate * WEIGHT_DECAY) - learningRate * m[i]!;
    }
    return [...p];
  });
}

/** Lion's algorithm 2, with β₁ 0.9 and β₂ 0.99. */
function lionInDoublePrecision(start: ArrayLike<number>): number[][] {
  const p = Array.from(start);
  const m = p.map(() => 0);
  return STEPS.map(({ learningRate, gradient }) => {
    const clip = Math.min(1, LIMIT / (Math.hypot(...gradient) + 1e-6));
    for (const [i, g] of gradient.entries()) {
      const direction = Math.sign(0.9 * m[i]! + 0.1 * clip * g);
      p[i]! -= learningRate * (direction + WEIGHT_DECAY * p[i]!);
      m[i] = 0.99 * m[i]! + 0.01 * clip * g;
    }
    return [...p];
  });
}

const FORMULAS: Readonly<
  Record<OptimizerName, (start: ArrayLike<number>) => number[][]>
> = {
  adamw: adamWInDoublePrecision,
  sgd: sgdInDoublePrecision,
  lion: lionInDoublePrecision,
};

/** Parameters after each of these steps, without clipping. */
async function trajectory(
  optimizer: Optimizer,
  start: Float32Array<ArrayBuffer>,
  steps: readonly (Partial<StepOptions> & {
    gradient: Float32Array<ArrayBuffer>;
  })[],
): Promise<number[][]> {
  const update = await compile(optimizer.update());
  const parameter = vector(start.slice());
  const state = Object.fromEntries(
    optimizer.slots.map((name) => [name, vector(start.map(() => 0))]),
  );
  const result: number[][] = [];
  for (const [i, { gradient, ...options }] of steps.entries()) {
    const numbers = optimizer.scalars(i + 1, {
      learningRate: 0.1,
      weightDecay: 0,
      gradientScale: 1,
      ...options,
    });
    const now = { parameter, ...state };
    const feeds = { ...now, gradient: vector(gradient), ...scalars(numbers) };
    await update.run(feeds, now);
    result.push([...parameter.data]);
  }
  await update.release();
  return result;
}

for (const name of OPTIMIZER_NAMES) {
  Deno.test(`${name} with decay and clipping follows its formula`, async () => {
    const norm = await compile(squaredNorm());
    const steps = [];
    for (const step of STEPS) {
      const gradient = vector(step.gradient);
      const size = Math.sqrt(
        hostData((await norm.run({ gradient }))["squares"])[0]!,
      );
      const gradientScale = clippingScale(size, LIMIT);
      steps.push({ ...step, gradientScale, weightDecay: WEIGHT_DECAY });
    }
    await norm.release();
    const start = waves(ELEMENTS, 9);
    const found = await trajectory(OPTIMIZERS[name], start, steps);
    for (const [i, expected] of FORMULAS[name](start).entries()) {
      assertClose(found[i]!, expected, {
        what: `parameter after step ${i + 1}`,
      });
    }
  });

  Deno.test(`${name} names what it keeps, and updates nothing else`, () => {
    const { slots, update } = OPTIMIZERS[name];
    deepStrictEqual(Object.keys(update()), ["parameter", ...slots]);
  });

  Deno.test(`${name} goes by its name, and decays matrices only`, () => {
    const optimizer = OPTIMIZERS[name];
    strictEqual(optimizer.name, name);
    ok(optimizer.decays({ shape: [2, 3] }));
    ok(!optimizer.decays({ shape: [3] }));
  });
}

/*
Parameters after three steps of PyTorch 2.15:

g = lambda phase: torch.tensor([math.sin(3*i + phase) for i in range(4)])
p = torch.nn.Parameter(g(9))
optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
# or torch.optim.AdamW([p], lr=0.1, weight_decay=0.3)
for t in range(3): p.grad = g(t); optimizer.step()
*/
const TORCH = {
  sgd: {
    weightDecay: 0,
    steps: [
      [
        0.41211849451065063,
        -0.550684928894043,
        0.6782293915748596,
        -0.7921990752220154,
      ],
      [
        0.3279713988304138,
        -0.4877054691314697,
        0.6376781463623047,
        -0.7748876214027405,
      ],
      [
        0.16130927205085754,
        -0.33513152599334717,
        0.5022462010383606,
        -0.6593083143234253,
      ],
    ],
  },
  adamw: {
    weightDecay: 0.3,
    steps: [
      [
        0.39975494146347046,
        -0.6204757690429688,
        0.7307792901992798,
        -0.8284575939178467,
      ],
      [
        0.313348650932312,
        -0.5409843921661377,
        0.6665860414505005,
        -0.7847254872322083,
      ],
      [
        0.21799305081367493,
        -0.4454796016216278,
        0.575663149356842,
        -0.7001859545707703,
      ],
    ],
  },
};

for (const name of ["sgd", "adamw"] as const) {
  Deno.test(`${name} takes torch's steps`, async () => {
    const { weightDecay, steps } = TORCH[name];
    const found = await trajectory(
      OPTIMIZERS[name],
      waves(4, 9),
      [0, 1, 2].map((t) => ({ gradient: waves(4, t), weightDecay })),
    );
    for (const [i, expected] of steps.entries()) {
      assertClose(found[i]!, expected, {
        what: `parameter after step ${i + 1}`,
      });
    }
  });
}

Deno.test("a chain without a decay decays nothing, and moves by its last link", async () => {
  const optimizer = chain("plain", scaleByLearningRate);
  deepStrictEqual(optimizer.slots, []);
  ok(!optimizer.decays({ shape: [2, 2] }));
  const gradient = Float32Array.of(2, -4);
  const [first] = await trajectory(optimizer, Float32Array.of(1, 1), [
    { gradient, learningRate: 0.25, weightDecay: 9 },
  ]);
  deepStrictEqual(first, [0.5, 2]);
});

Deno.test("a chain refuses two links that keep the same", () => {
  throws(() => chain("twice", scaleByAdam(), scaleByLion()), {
    message: 'Cannot declare input "mean": the graph has one already',
  });
});

for (const length of [1, 7, 1_000_003]) {
  Deno.test(`adamW() updates ${length} elements in place as it does out of place`, async () => {
    const optimizer = adamW();
    const program = await compile(optimizer.update(), { threads: 2 });
    const state = {
      parameter: vector(waves(length, 1)),
      mean: vector(waves(length, 2)),
      square: vector(waves(length, 3).map(Math.abs)),
    };
    const feeds = {
      ...state,
      gradient: vector(waves(length, 4)),
      ...scalars(optimizer.scalars(3, {
        learningRate: 0.1,
        weightDecay: 0.01,
        gradientScale: 0.5,
      })),
    };
    const fresh = await program.run(feeds);
    await program.run(feeds, state);
    await program.release();
    for (const [name, { data }] of Object.entries(state)) {
      const differs = hostData(fresh[name]).findIndex((x, i) => x !== data[i]);
      strictEqual(differs, -1, `first element of ${name} that differs`);
    }
    ok(state.parameter.data[0] !== Math.fround(Math.sin(1)), "nothing moved");
  });
}

Deno.test("clippingScale() brings a norm down to the limit, as torch does", () => {
  strictEqual(clippingScale(4, 1), 1 / (4 + 1e-6));
  strictEqual(clippingScale(0.5, 1), 1);
  strictEqual(clippingScale(0, 1), 1);
  // Torch's rounding guard: a norm at the limit shrinks a little.
  strictEqual(clippingScale(1, 1), 1 / (1 + 1e-6));
});

Deno.test("clippingScale() leaves any norm alone without a limit", () => {
  strictEqual(clippingScale(1e6, 0), 1);
});

Deno.test("clippingScale() does not hide a norm that is not a number", () => {
  strictEqual(clippingScale(NaN, 1), NaN);
});
