import { apply, type Operand } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { sameType } from "../onnx/graph/tensor_type.ts";
import {
  add,
  div,
  exp,
  max,
  min,
  mul,
  sigmoid,
  sub,
  tanh,
} from "./elementwise.ts";
import { coefficients, polynomial } from "./special.ts";

/** A function of each element. */
interface Activation {
  readonly value: (x: Value) => Value;
  readonly withSlope: (x: Value) => { value: Value; slope: Value };
}

/** 2√(2/π), and its product with the coefficient of the cube. */
const [LINEAR, CUBIC] = [
  Math.sqrt(8 / Math.PI),
  Math.sqrt(8 / Math.PI) * 0.044715,
];

/** x σ(x) */
const silu: Activation = {
  value: (x) => apply(QuickGelu, [x], { alpha: 1 }),
  withSlope: (x) => {
    const s = sigmoid(x);
    const value = mul(x, s);
    return { value, slope: add(s, mul(value, sub(1, s))) };
  },
};

/** x Φ(x), https://arxiv.org/abs/1606.08415 */
const gelu: Activation = {
  value: (x) => apply(Gelu, [x], { approximate: "none" }),
  withSlope: (x) => {
    const cdf = normalCdf(x);
    const density = mul(
      exp(mul(mul(x, x), -1 / 2)),
      1 / Math.sqrt(2 * Math.PI),
    );
    return { value: mul(x, cdf), slope: add(cdf, mul(x, density)) };
  },
};

/**
 * x (1 + tanh u) / 2 = x σ(2u) with u = √(2/π) (x + 0.044715 x³), which is
 * close to x Φ(x).
 */
const tanhGelu: Activation = {
  value: (x) => apply(Gelu, [x], { approximate: "tanh" }),
  withSlope: (x) => {
    const square = mul(x, x);
    const s = sigmoid(mul(x, add(mul(square, CUBIC), LINEAR)));
    const value = mul(x, s);
    const inner = add(mul(square, 3 * CUBIC), LINEAR);
    return { value, slope: add(s, mul(mul(value, sub(1, s)), inner)) };
  },
};

/** Nonlinearities of feed-forward layers. */
export const ACTIVATION_NAMES = ["silu", "gelu", "gelu-tanh"] as const;
/** One of {@linkcode ACTIVATION_NAMES}. */
export type ActivationName = typeof ACTIVATION_NAMES[number];
const ACTIVATIONS: Readonly<Record<ActivationName, Activation>> = {
  silu,
  gelu,
  "gelu-tanh": tanhGelu,
};
type Attributes = { f: ActivationName };

const Activate: Op<readonly [x: Value], Attributes> = {
  name: "Activate",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs: [x], attributes: { f } }, [dy]) => [
    mul(dy, ACTIVATIONS[f].withSlope(x).slope),
  ],
  lower: ([x], { f }) => [ACTIVATIONS[f].value(x)],
};
/**
 * f(x). One operator so that x alone is kept for the backward pass, which
 * computes f again.
 */
export const activate = (f: ActivationName, x: Value): Value =>
  apply(Activate, [x], { f });

const Gated: Op<readonly [gate: Value, up: Value], Attributes> = {
  name: "Gated",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs: [gate, up], attributes: { f } }, [dy]) => {
    const { value, slope } = ACTIVATIONS[f].withSlope(gate);
    return [mul(mul(dy, up), slope), mul(dy, value)];
  },
  lower: ([gate, up], { f }) => [mul(ACTIVATIONS[f].value(gate), up)],
};
/**
 * f(gate) · up, https://arxiv.org/abs/2002.05202; f is not kept for the backward
 * pass here, either.
 */
export const gated = (f: ActivationName, gate: Value, up: Value): Value =>
  apply(Gated, [gate, up], { f });

/** x σ(α x) in one pass. Forward only. */
const QuickGelu: Op<readonly [x: Value], { alpha: 1 }> = {
  name: "QuickGelu",
  domain: "com.microsoft",
  written: { alpha: "float" },
  infer: sameType,
  lower: ([x]) => [mul(x, sigmoid(x))],
};

/** GELU in one pass, exact or by tanh. Forward only. */
const Gelu: Op<readonly [x: Value], { approximate: "none" | "tanh" }> = {
  name: "Gelu",
  infer: sameType,
  lower: ([x], { approximate }) => [
    approximate === "tanh" ? tanhGelu.withSlope(x).value : mul(x, normalCdf(x)),
  ],
};

/** z = erf x; dz = 2/√π e^(−x²) dx */
const Erf: Op = {
  name: "Erf",
  infer: sameType,
  vjp: ({ inputs: [x] }, [dz]) => [
    mul(dz, mul(exp(mul(mul(x, x), -1)), 2 / Math.sqrt(Math.PI))),
  ],
  // 2/√π e^(−x²) (x + 2x³/3 + 4x⁵/15 + …), and beyond FAR its value there.
  lower: ([x]) => {
    const near = max(min(x, FAR), -FAR);
    const square = mul(near, near);
    const series = polynomial(mul(square, 1 / FAR ** 2), ERF);
    const scale = 2 / Math.sqrt(Math.PI);
    return [mul(mul(exp(mul(square, -1)), mul(near, series)), scale)];
  },
};
/** erf x = 2/√π ∫₀ˣ e^(−t²) dt */
export const erf = (x: Operand): Value => apply(Erf, [x]);

/** From here on |erf x| is 1 in float64. */
const FAR = 6;

/**
 * (2 · FAR²)ⁿ / (1 · 3 · 5 · … · (2n+1)): for x/FAR rather than x, as onnxruntime
 * drops constants that float32 rounds to 0.
 */
const ERF = coefficients(100, (c, n) => c * 2 * FAR ** 2 / (2 * n + 1));

/** Φ(x) = (1 + erf(x/√2)) / 2 */
function normalCdf(x: Value): Value {
  return mul(add(erf(div(x, Math.SQRT2)), 1), 1 / 2);
}

/** A bounded stand-in for x. */
export interface Capped {
  readonly value: Value;
  /** d value / dx; `null` where value is x. */
  readonly slope: Value | null;
  /** The cotangent of x, given that of the value. */
  readonly through: (dValue: Value) => Value;
}

/** c tanh(x/c), between −c and c, or x itself. https://arxiv.org/abs/2408.00118 */
export function capped(x: Value, cap: number | null): Capped {
  if (cap === null) return { value: x, slope: null, through: (d) => d };
  const t = tanh(mul(x, 1 / cap));
  const slope = sub(1, mul(t, t));
  return { value: mul(t, cap), slope, through: (d) => mul(d, slope) };
}
