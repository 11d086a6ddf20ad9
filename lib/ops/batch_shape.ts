import { apply, type Op, type Value } from "../onnx/graph.ts";
import { onesLike } from "./elementwise.ts";
import { concat, sum } from "./shaping.ts";

/** Sizes of x, int64 `[rank]`. */
const Shape: Op = {
  name: "Shape",
  infer: ([x]) => [{ dtype: "int64", shape: [x!.shape.length] }],
};

/**
 * x (`[n, …]`) with its first axis divided as the elements of `like`, of which
 * there are n: `[batch, length, …]`. ONNX infers one size of a shape at most, so
 * the others are read off `like` at each run. Forward only.
 */
export function unflatten(x: Value, like: Value): Value {
  const rest = x.shape.slice(1);
  const sizes = x.graph.integers(rest.map(Number));
  const reshape: Op = {
    name: "Reshape",
    infer: () => [{ dtype: x.dtype, shape: [...like.shape, ...rest] }],
  };
  return apply(reshape, [x, concat([apply(Shape, [like]), sizes], 0)]);
}

const CumSum: Op = { name: "CumSum", infer: ([x]) => [x!] };

/** 1, 2, 3 … along the last axis of the shape of x. Forward only. */
export function countUp(x: Value): Value {
  const axis = Int32Array.of(x.shape.length - 1);
  return apply(CumSum, [onesLike(x), x.graph.constant(axis, [])]);
}

/** How long the last axis of x is, as a number in each place of the others. */
export function lengthOf(x: Value): Value {
  return sum(onesLike(x), [-1], { keepdims: true });
}
