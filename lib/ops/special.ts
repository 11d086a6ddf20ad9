import { apply, type Operand } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { sameType } from "../onnx/graph/tensor_type.ts";
import { add, div, exp, log, max, min, mul, neg, sub } from "./elementwise.ts";

/** The operator of `sin`. */
export const Sin: Op = {
  name: "Sin",
  infer: sameType,
  vjp: ({ inputs: [x] }, [dz]) => [mul(dz, cos(x))],
  lower: ([x]) => {
    const r = withinOneTurn(x);
    return [sinNearZero(min(max(r, sub(-Math.PI, r)), sub(Math.PI, r)))];
  },
};
/** sin x, x in radians. */
export const sin = (x: Operand): Value => apply(Sin, [x]);

/** The operator of `cos`. */
export const Cos: Op = {
  name: "Cos",
  infer: sameType,
  vjp: ({ inputs: [x] }, [dz]) => [neg(mul(dz, sin(x)))],
  lower: ([x]) => {
    const r = withinOneTurn(x);
    return [sinNearZero(sub(Math.PI / 2, max(r, neg(r))))];
  },
};
/** cos x, x in radians. */
export const cos = (x: Operand): Value => apply(Cos, [x]);

/** z = ⌊x⌋ */
const Floor: Op = { name: "Floor", infer: sameType };

/**
 * 2π as a sum of which the first parts have so few digits that their products
 * with a count of turns are exact: up to 2,000 turns nothing is lost.
 */
const TURN = [6.28125, 0.00193500518798828125] as const;
const REST = 2 * Math.PI - TURN[0] - TURN[1];

/** x less a whole number of turns, in [−π, π]. */
function withinOneTurn(x: Value): Value {
  const turns = apply(Floor, [add(mul(x, 1 / (2 * Math.PI)), 0.5)]);
  return [...TURN, REST].reduce((r, part) => sub(r, mul(turns, part)), x);
}

/** 1, −1/3!, 1/5!, … −1/15!: at π/2 the next term is below 10⁻¹¹. */
const SINE = coefficients(8, (c, n) => -c / (2 * n * (2 * n + 1)));

/** sin x for x in [−π/2, π/2], by its Taylor series. */
function sinNearZero(x: Value): Value {
  return mul(x, polynomial(mul(x, x), SINE));
}

// ONNX has Sigmoid and Softplus, but their CPU kernels are exact to float32's
// rounding at 1 only: σ(−10) is off by 1 part in 1,000, and −log σ(10) as
// well. A loss lives in these tails, so here every digit counts. On a GPU, log
// near 1 and tanh near 0 are exact to an absolute error only, so neither is used
// there. https://www.w3.org/TR/WGSL/#floating-point-accuracy

/** z = σ(x); dz = σ(x) σ(−x) dx */
const Logistic: Op = {
  name: "Logistic",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs: [x], outputs: [z] }, [dz]) => [
    mul(mul(dz, z), logistic(neg(x))),
  ],
  lower: ([x]) => [div(exp(min(x, 0)), add(1, exp(neg(abs(x)))))],
};
/** σ(x) = 1 / (1 + e⁻ˣ), exact in both tails. */
export const logistic = (x: Operand): Value => apply(Logistic, [x]);

/** z = log(1 + eˣ); dz = σ(x) dx */
const LogOnePlusExp: Op = {
  name: "LogOnePlusExp",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs: [x] }, [dz]) => [mul(dz, logistic(x))],
  lower: ([x]) => [add(max(x, 0), log1p(exp(neg(abs(x)))))],
};
/** log(1 + eˣ), exact in both tails; −log σ(x) is softplus(−x). */
export const softplus = (x: Operand): Value => apply(LogOnePlusExp, [x]);

/** z = log(1 − eˣ); dz = −eˣ / (1 − eˣ) dx = −e^(x − z) dx */
const LogOneMinusExp: Op = {
  name: "LogOneMinusExp",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs: [x], outputs: [z] }, [dz]) => [
    neg(mul(dz, exp(sub(x, z)))),
  ],
  // 1 − eˣ as a product: one factor is 1 − eˣ above −log 2 and 1/2 below, the
  // other is 1 above and 2 (1 − eˣ) below.
  lower: ([x]) => [
    add(
      log(negExpm1(max(x, -Math.LN2))),
      log(mul(sub(1, exp(min(x, -Math.LN2))), 2)),
    ),
  ],
};
/** log(1 − eˣ) for x < 0. */
export const log1mExp = (x: Operand): Value => apply(LogOneMinusExp, [x]);

/** 1 − eˣ for x in [−log 2, 0], by its Taylor series −x (1 + x/2! + x²/3! + …). */
function negExpm1(x: Value): Value {
  return neg(mul(x, polynomial(x, EXPM1)));
}
/** 1/1!, 1/2!, … 1/12! */
const EXPM1 = coefficients(12, (c, n) => c / (n + 1));

/**
 * log(1 + y) for y in [0, 1] as 2 artanh(s) with s = y / (2 + y), by the series
 * artanh s = s (1 + s²/3 + s⁴/5 + …), of which s² ≤ 1/9.
 */
function log1p(y: Value): Value {
  const s = div(y, add(2, y));
  return mul(mul(s, 2), polynomial(mul(s, s), ARTANH));
}
/** 1, 1/3, 1/5, … 1/19 */
const ARTANH = Array.from({ length: 10 }, (_, k) => 1 / (2 * k + 1));

const abs = (x: Value): Value => max(x, neg(x));

/** c₀ + c₁x + c₂x² + …, of degree 1 at least, by Horner's scheme. */
export function polynomial(
  x: Value,
  coefficients: readonly number[],
): Value {
  const [first = 0, second = 0, ...rest] = coefficients.toReversed();
  const start = add(mul(x, first), second);
  return rest.reduce((sum, c) => add(mul(sum, x), c), start);
}

/** So many coefficients cₙ: c₀ = 1, and each next one by the one before it. */
export function coefficients(
  count: number,
  next: (before: number, n: number) => number,
): number[] {
  let c = 1;
  return Array.from({ length: count }, (_, n) => n === 0 ? c : c = next(c, n));
}
