import { apply, type Op, sameType, sizeAt, type Value } from "../onnx/graph.ts";
import { add, mul, neg, sub } from "./elementwise.ts";
import { concat, slice } from "./shaping.ts";

const Rotate: Op<readonly [x: Value, cos: Value, sin: Value]> = {
  name: "Rotate",
  domain: "prefgrad",
  infer: ([x, cos]) => {
    if (sizeAt(x, -1) < 2 * sizeAt(cos, -1)) {
      throw new RangeError(
        "expected angles for at most half of the last dimension",
      );
    }
    return sameType([x]);
  },
  vjp: ({ inputs: [, cos, sin] }, [dy]) => [
    rotate(dy, cos, neg(sin)),
    null,
    null,
  ],
  lower: ([x, cos, sin]) => {
    const half = sizeAt(cos, -1);
    const size = sizeAt(x, -1);
    const a = slice(x, { axis: -1, start: 0, end: half });
    const b = slice(x, { axis: -1, start: half, end: 2 * half });
    return [concat([
      sub(mul(a, cos), mul(b, sin)),
      add(mul(b, cos), mul(a, sin)),
      ...2 * half < size
        ? [slice(x, { axis: -1, start: 2 * half, end: size })]
        : [],
    ], -1)];
  },
};
/**
 * Rotary position embedding in the half-split layout: with x = [a, b],
 * y = [a cos − b sin, b cos + a sin]. https://arxiv.org/abs/2104.09864
 *
 * x is `[tokens, heads, size]`, cos and sin are `[tokens, 1, n]` with n ≤
 * size / 2: the elements after the first 2n stay. The vjp of a rotation is the
 * rotation back.
 */
export const rotate = (x: Value, cos: Value, sin: Value): Value =>
  apply(Rotate, [x, cos, sin]);
