import { apply, type Op, type Operand, type Value } from "../onnx/graph.ts";
import {
  add,
  cast,
  div,
  exp,
  greater,
  log,
  max,
  min,
  mul,
  neg,
  not,
  sub,
  tanh,
} from "./elementwise.ts";

// ONNX has Sigmoid and Softplus, but their CPU kernels are exact to float32's
// rounding at 1 only: σ(−10) is off by 1 part in 1,000, and −log σ(10) as
// well. A loss lives in these tails, so here every digit counts.

const same: Op["infer"] = ([x]) => [{ dtype: x!.dtype, shape: x!.shape }];

/** z = σ(x) = 1 / (1 + e⁻ˣ), exact in both tails; dz = σ(x) σ(−x) dx */
export const Logistic: Op = {
  name: "Logistic",
  domain: "prefgrad",
  infer: same,
  vjp: ({ inputs: [x], outputs: [z] }, [dz]) => [
    mul(mul(dz!, z!), logistic(neg(x!))),
  ],
  lower: ([x]) => [div(exp(min(x!, 0)), add(1, exp(neg(abs(x!)))))],
};
export const logistic = (x: Operand): Value => apply(Logistic, [x]);

/** z = log(1 + eˣ), exact in both tails; dz = σ(x) dx. −log σ(x) is softplus(−x). */
export const LogOnePlusExp: Op = {
  name: "LogOnePlusExp",
  domain: "prefgrad",
  infer: same,
  vjp: ({ inputs: [x] }, [dz]) => [mul(dz!, logistic(x!))],
  lower: ([x]) => [add(max(x!, 0), log1p(exp(neg(abs(x!)))))],
};
export const softplus = (x: Operand): Value => apply(LogOnePlusExp, [x]);

/**
 * z = log(1 − eˣ) for x < 0, as log tanh(−x/2) + log(1 + eˣ), which loses
 * nothing near 0; dz = −eˣ / (1 − eˣ) dx = −e^(x − z) dx.
 */
export const LogOneMinusExp: Op = {
  name: "LogOneMinusExp",
  domain: "prefgrad",
  infer: same,
  vjp: ({ inputs: [x], outputs: [z] }, [dz]) => [
    neg(mul(dz!, exp(sub(x!, z!)))),
  ],
  lower: ([x]) => [add(log(tanh(mul(x!, -0.5))), softplus(x!))],
};
export const log1mExp = (x: Operand): Value => apply(LogOneMinusExp, [x]);

/**
 * log(1 + y) for y ≥ 0: with u = 1 + y as rounded, log u · y / (u − 1) undoes
 * the rounding. https://www.johndcook.com/blog/2010/06/07/math-library-functions-that-seem-unnecessary/
 */
function log1p(y: Value): Value {
  const u = add(1, y);
  const rounded = sub(u, 1);
  // Where u is 1, log u is 0 and y itself is the answer.
  const isLost = cast(not(greater(rounded, 0)), y.dtype);
  const ratio = div(y, add(rounded, isLost));
  return add(mul(log(u), ratio), mul(isLost, y));
}

const abs = (x: Value): Value => max(x, neg(x));
