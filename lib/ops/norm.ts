import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { sameType, sizeAt, type Type } from "../onnx/graph/tensor_type.ts";
import { add, div, exp, log, mul, sqrt, sub } from "./elementwise.ts";
import { sum } from "./shaping.ts";

/** Attributes of a norm over the last axis. */
type NormAttributes = { axis: -1; epsilon: number };

/** The second output, rstd, makes the backward pass a few products. */
const SimplifiedLayerNormalization: Op<
  readonly [x: Value, w: Value],
  NormAttributes,
  readonly [y: Value, rstd: Value]
> = {
  name: "SimplifiedLayerNormalization",
  written: { epsilon: "float" },
  infer: ([x]) => [...sameType([x]), perRow(x)],
  vjp: ({ inputs: [x, w], outputs: [, rstd] }, [dy]) => {
    const unit = mul(x, rstd);
    const dUnit = mul(dy, w);
    const projection = meanOf(mul(dUnit, unit));
    const dx = mul(rstd, sub(dUnit, mul(unit, projection)));
    return [dx, mul(dy, unit)];
  },
  lower: ([x, w], { epsilon }) => {
    const rstd = div(1, sqrt(add(meanOf(mul(x, x)), epsilon)));
    return [mul(mul(x, rstd), w), rstd];
  },
};
/**
 * Root mean square norm of x (`[…, n]`) over the last axis, x · rstd · w with
 * w `[n]` and rstd = 1 / √(mean(x²) + ε). https://arxiv.org/abs/1910.07467
 */
export const rmsNorm = (x: Value, w: Value, epsilon: number): Value =>
  apply(SimplifiedLayerNormalization, [x, w], { axis: -1, epsilon });

/** Mean and rstd are outputs for the backward pass. */
const LayerNormalization: Op<
  readonly [x: Value, w: Value, b: Value],
  NormAttributes,
  readonly [y: Value, mean: Value, rstd: Value]
> = {
  name: "LayerNormalization",
  written: { epsilon: "float" },
  infer: ([x]) => [...sameType([x]), perRow(x), perRow(x)],
  vjp: ({ inputs: [x, w], outputs: [, mean, rstd] }, [dy]) => {
    const unit = mul(sub(x, mean), rstd);
    const dUnit = mul(dy, w);
    const projection = meanOf(mul(dUnit, unit));
    const dCentred = sub(dUnit, mul(unit, projection));
    const dx = mul(rstd, sub(dCentred, meanOf(dUnit)));
    return [dx, mul(dy, unit), dy];
  },
  lower: ([x, w, b], { epsilon }) => {
    const mean = meanOf(x);
    const centred = sub(x, mean);
    const rstd = div(1, sqrt(add(meanOf(mul(centred, centred)), epsilon)));
    return [add(mul(mul(centred, rstd), w), b), mean, rstd];
  },
};
/**
 * Layer norm of x (`[…, n]`) over the last axis, (x − mean(x)) · rstd · w + b
 * with rstd = 1 / √(mean((x − mean(x))²) + ε). https://arxiv.org/abs/1607.06450
 *
 * @param parts weight w and bias b (`[n]` each); `null` for 1 and 0.
 */
export function layerNorm(
  x: Value,
  parts: readonly [w: Value, b: Value] | null,
  epsilon: number,
): Value {
  const [w, b] = parts ?? [repeated(x, 1), repeated(x, 0)];
  return apply(LayerNormalization, [x, w, b], { axis: -1, epsilon });
}

/** A number as often as x is long along its last axis. */
const repeated = (x: Value, n: number): Value =>
  x.graph.numbers(new Array<number>(sizeAt(x, -1)).fill(n));

/** The type of a number for each row of x. */
function perRow({ dtype, shape }: Type): Type {
  return { dtype, shape: [...shape.slice(0, -1), 1] };
}

const last = (x: Value) => [x.shape.length - 1];

/** Sum over the last axis, which is kept. */
const sumOf = (x: Value) => sum(x, last(x), { keepdims: true });

function meanOf(x: Value): Value {
  return mul(sumOf(x), 1 / sizeAt(x, -1));
}

const Softmax: Op<readonly [x: Value], { axis: -1 }> = {
  name: "Softmax",
  infer: sameType,
  vjp: ({ outputs: [y] }, [dy]) => {
    const part = mul(dy, y);
    return [sub(part, mul(y, sumOf(part)))];
  },
};
/** eˣ / Σ eˣ over the last axis. */
export const softmax = (x: Value): Value => apply(Softmax, [x], { axis: -1 });

/** Largest element along the last axis, which is kept. Forward only. */
const ReduceMax: Op<readonly [x: Value, axes: Value], { keepdims: true }> = {
  name: "ReduceMax",
  infer: ([x]) => [perRow(x)],
};

/** log Σ eˣ over the last axis, which is kept, from softmax's own kernel. */
export function logSumExp(x: Value, probabilities: Value): Value {
  const largest = (y: Value) =>
    apply(ReduceMax, [y, y.graph.integers(last(y))], { keepdims: true });
  return sub(largest(x), log(largest(probabilities)));
}

/** y = x − log Σ eˣ; dy = dx − softmax(x) Σ dx */
const LogSoftmax: Op<readonly [x: Value], { axis: -1 }> = {
  name: "LogSoftmax",
  infer: sameType,
  vjp: ({ outputs: [y] }, [dy]) => [sub(dy, mul(exp(y), sumOf(dy)))],
  lower: ([x]) => [sub(x, logSumExp(x, softmax(x)))],
};
/** x − log Σ eˣ over the last axis. */
export const logSoftmax = (x: Value): Value =>
  apply(LogSoftmax, [x], { axis: -1 });
