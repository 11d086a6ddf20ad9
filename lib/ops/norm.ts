import { apply, applyAll, type Op, type Value } from "../onnx/graph.ts";
import { add, div, exp, log, mul, sqrt, sub } from "./elementwise.ts";
import { sum } from "./shaping.ts";

const last = (x: Value) => [x.shape.length - 1];

/**
 * Root mean square normalisation over the last axis,
 * y = x · rstd · w with rstd = 1 / √(mean(x²) + ε).
 * https://arxiv.org/abs/1910.07467
 *
 * The second output, rstd, makes the backward pass a few products.
 */
export const SimplifiedLayerNormalization: Op = {
  name: "SimplifiedLayerNormalization",
  infer: ([x]) => [
    { dtype: x!.dtype, shape: x!.shape },
    { dtype: x!.dtype, shape: [...x!.shape.slice(0, -1), 1] },
  ],
  vjp: ({ inputs: [x, w], outputs: [, rstd] }, [dy]) => {
    const unit = mul(x!, rstd!);
    const dUnit = mul(dy!, w!);
    const projection = meanOf(mul(dUnit, unit));
    const dx = mul(rstd!, sub(dUnit, mul(unit, projection)));
    return [dx, mul(dy!, unit)];
  },
  lower: ([x, w], { epsilon }) => {
    const { float } = epsilon as { float: number };
    const rstd = div(1, sqrt(add(meanOf(mul(x!, x!)), float)));
    return [mul(mul(x!, rstd), w!), rstd];
  },
};
/** RMS norm of x (`[…, n]`) with weight w (`[n]`). */
export const rmsNorm = (x: Value, w: Value, epsilon: number): Value =>
  applyAll(SimplifiedLayerNormalization, [x, w], {
    axis: -1,
    epsilon: { float: epsilon },
  })[0]!;

/**
 * Normalisation over the last axis, y = (x − mean(x)) · rstd · w + b with
 * rstd = 1 / √(mean((x − mean(x))²) + ε). https://arxiv.org/abs/1607.06450
 *
 * Mean and rstd are outputs, for the backward pass.
 */
const LayerNormalization: Op = {
  name: "LayerNormalization",
  infer: ([x]) => {
    const each = { dtype: x!.dtype, shape: [...x!.shape.slice(0, -1), 1] };
    return [{ dtype: x!.dtype, shape: x!.shape }, each, each];
  },
  vjp: ({ inputs: [x, w], outputs: [, mean, rstd] }, [dy]) => {
    const unit = mul(sub(x!, mean!), rstd!);
    const dUnit = mul(dy!, w!);
    const projection = meanOf(mul(dUnit, unit));
    const dCentred = sub(dUnit, mul(unit, projection));
    const dx = mul(rstd!, sub(dCentred, meanOf(dUnit)));
    return [dx, mul(dy!, unit), dy!];
  },
  lower: ([x, w, b], { epsilon }) => {
    const mean = meanOf(x!);
    const centred = sub(x!, mean);
    const { float } = epsilon as { float: number };
    const rstd = div(1, sqrt(add(meanOf(mul(centred, centred)), float)));
    return [add(mul(mul(centred, rstd), w!), b!), mean, rstd];
  },
};
/** Layer norm of x (`[…, n]`) with weight w and bias b (`[n]` each), or bare. */
export function layerNorm(
  x: Value,
  parts: readonly [w: Value, b: Value] | null,
  epsilon: number,
): Value {
  const [w, b] = parts ?? [repeated(x, 1), repeated(x, 0)];
  return applyAll(LayerNormalization, [x, w, b], {
    axis: -1,
    epsilon: { float: epsilon },
  })[0]!;
}

/** A number as often as x is long along its last axis. */
function repeated({ graph, shape }: Value, n: number): Value {
  const list = new Array<number>(shape.at(-1) as number).fill(n);
  const data = graph.float === "float64"
    ? Float64Array.from(list)
    : Float32Array.from(list);
  return graph.constant(data, [list.length]);
}

function meanOf(x: Value): Value {
  const size = x.shape.at(-1) as number;
  return mul(sum(x, last(x), { keepdims: true }), 1 / size);
}

/** y = eˣ / Σ eˣ over the last axis. */
export const Softmax: Op = {
  name: "Softmax",
  infer: ([x]) => [x!],
  vjp: ({ outputs: [y] }, [dy]) => {
    const part = mul(dy!, y!);
    return [sub(part, mul(y!, sum(part, last(y!), { keepdims: true })))];
  },
};
export const softmax = (x: Value): Value => apply(Softmax, [x], { axis: -1 });

/** Largest element along the last axis, which is kept. Forward only. */
const ReduceMax: Op = {
  name: "ReduceMax",
  infer: ([x]) => [{
    dtype: x!.dtype,
    shape: [...x!.shape.slice(0, -1), 1],
  }],
};

/** log Σ eˣ over the last axis, which is kept, from softmax's own kernel. */
export function logSumExp(x: Value, probabilities: Value): Value {
  const largest = (y: Value) =>
    apply(ReduceMax, [y, y.graph.integers(last(y))], { keepdims: 1 });
  return sub(largest(x), log(largest(probabilities)));
}

/** y = x − log Σ eˣ over the last axis; dy = dx − softmax(x) Σ dx. */
export const LogSoftmax: Op = {
  name: "LogSoftmax",
  infer: ([x]) => [x!],
  vjp: ({ outputs: [y] }, [dy]) => [
    sub(dy!, mul(exp(y!), sum(dy!, last(y!), { keepdims: true }))),
  ],
  lower: ([x]) => [sub(x!, logSumExp(x!, softmax(x!)))],
};
export const logSoftmax = (x: Value): Value =>
  apply(LogSoftmax, [x], { axis: -1 });
