import { apply, type Op, type Value } from "../onnx/graph.ts";
import { add, mul, neg, sub } from "./elementwise.ts";
import { concat, slice } from "./shaping.ts";

/**
 * Rotary position embedding in the half-split layout: with x = [a, b],
 * y = [a cos − b sin, b cos + a sin]. https://arxiv.org/abs/2104.09864
 *
 * x is `[tokens, heads, size]`, cos and sin are `[tokens, 1, n]` with n ≤
 * size / 2: what follows the first 2n elements stays. A rotation's vjp is the
 * rotation back.
 */
export const Rotate: Op = {
  name: "Rotate",
  domain: "prefgrad",
  infer: ([x, cos]) => {
    const half = cos!.shape.at(-1) as number;
    if (x!.shape.at(-1) as number < 2 * half) {
      throw new RangeError(
        "expected angles for at most half of the last dimension",
      );
    }
    return [x!];
  },
  vjp: ({ inputs: [, cos, sin] }, [dy]) => [
    rotate(dy!, cos!, neg(sin!)),
    null,
    null,
  ],
  lower: ([x, cos, sin]) => {
    const half = cos!.shape.at(-1) as number;
    const size = x!.shape.at(-1) as number;
    const a = slice(x!, { axis: -1, start: 0, end: half });
    const b = slice(x!, { axis: -1, start: half, end: 2 * half });
    return [concat([
      sub(mul(a, cos!), mul(b, sin!)),
      add(mul(b, cos!), mul(a, sin!)),
      ...2 * half < size
        ? [slice(x!, { axis: -1, start: 2 * half, end: size })]
        : [],
    ], -1)];
  },
};
export const rotate = (x: Value, cos: Value, sin: Value): Value =>
  apply(Rotate, [x, cos, sin]);
