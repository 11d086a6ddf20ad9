import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { compile, hostData, type HostTensor } from "lib/onnx/session.ts";
import {
  adamW,
  clippingScale,
  scheduled,
  SCHEDULES,
  squaredNorm,
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

Deno.test("adamW() with decay and clipping follows torch's formula", async () => {
  const optimizer = adamW();
  const update = await compile(optimizer.update());
  const norm = await compile(squaredNorm());
  const parameter = waves(ELEMENTS, 9);
  const expected = adamWInDoublePrecision(parameter);
  const state = {
    parameter: vector(parameter),
    mean: vector(new Float32Array(ELEMENTS)),
    square: vector(new Float32Array(ELEMENTS)),
  };
  for (const [i, step] of STEPS.entries()) {
    const gradient = vector(step.gradient);
    const { squares } = await norm.run({ gradient });
    const size = Math.sqrt(hostData(squares)[0]!);
    const numbers = optimizer.scalars(i + 1, {
      learningRate: step.learningRate,
      weightDecay: WEIGHT_DECAY,
      gradientScale: clippingScale(size, LIMIT),
    });
    await update.run({ ...state, gradient, ...scalars(numbers) }, state);
    assertClose(parameter, expected[i]!, {
      what: `parameter after step ${i + 1}`,
    });
  }
  await update.release();
  await norm.release();
});

Deno.test("adamW() names what it keeps, and updates nothing else", () => {
  const { slots, update } = adamW();
  deepStrictEqual(Object.keys(update()), ["parameter", ...slots]);
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

/** Shares at steps 1 to 8 of 8 after a warm-up of 2. */
const SHARES = {
  constant: [0, 1 / 2, 1, 1, 1, 1, 1, 1],
  linear: [0, 1 / 2, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6],
  cosine: [
    0,
    1 / 2,
    1,
    ...[1, 2, 3, 4, 5].map((i) => Math.cos(i * Math.PI / 12) ** 2),
  ],
};

for (const schedule of SCHEDULES) {
  const at = (step: number, warmup: number) =>
    scheduled(schedule, step, { steps: 8, warmup });

  Deno.test(`the ${schedule} schedule has transformers' shares`, () => {
    const shares = SHARES[schedule].map((_, i) => at(i + 1, 2));
    assertClose(shares, SHARES[schedule], { tolerance: 1e-12 });
  });

  Deno.test(`the ${schedule} schedule starts in full without a warm-up`, () => {
    strictEqual(at(1, 0), 1);
  });

  Deno.test(`the ${schedule} schedule of warm-up alone reaches 7 / 8`, () => {
    strictEqual(at(8, 8), 7 / 8);
  });
}
