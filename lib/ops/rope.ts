import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { dimAt, sameType, sizeAt } from "../onnx/graph/tensor_type.ts";
import { add, mul, neg, sub } from "./elementwise.ts";
import { concat, reshape, split, squeeze, unsqueeze } from "./shaping.ts";

/**
 * Rotation of whole heads in one pass: x is `[1, tokens, heads · size]`, cos and
 * sin are `[tokens, size / 2]`, and `start` is the row of them for the first
 * token.
 */
const RotaryEmbedding: Op<
  readonly [x: Value, start: Value, cos: Value, sin: Value],
  { interleaved: false }
> = {
  name: "RotaryEmbedding",
  domain: "com.microsoft",
  infer: sameType,
  lower: ([x, _start, cos, sin]) => {
    const [tokens, half] = [dimAt(cos, 0), sizeAt(cos, -1)];
    const heads = sizeAt(x, -1) / (2 * half);
    const angles = (y: Value) => reshape(y, [tokens, 1, half]);
    const byHead = reshape(squeeze(x, [0]), [tokens, heads, 2 * half]);
    const y = turned(byHead, angles(cos), angles(sin));
    return [unsqueeze(reshape(y, [tokens, 2 * half * heads]), [0])];
  },
};

/**
 * Pairs of a head from which on the kernel rotates. Smaller heads are rotated by
 * products, whose last digits the records of small decoders have.
 */
const PAIRS = 32;

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
    const [tokens, half] = [dimAt(cos, 0), sizeAt(cos, -1)];
    const [heads, size] = [sizeAt(x, 1), sizeAt(x, -1)];
    if (half < PAIRS || 2 * half < size) return [turned(x, cos, sin)];
    const y = apply(RotaryEmbedding, [
      unsqueeze(reshape(x, [tokens, heads * size]), [0]),
      x.graph.integers([0]),
      reshape(cos, [tokens, half]),
      reshape(sin, [tokens, half]),
    ], { interleaved: false });
    return [reshape(squeeze(y, [0]), x.shape)];
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

/** The rotation as products of the halves, for any part of a head. */
function turned(x: Value, cos: Value, sin: Value): Value {
  const half = sizeAt(cos, -1);
  const size = sizeAt(x, -1);
  const rest = size - 2 * half;
  const [a, b, ...others] = split(x, [half, half, ...rest ? [rest] : []], -1);
  return concat([
    sub(mul(a!, cos), mul(b!, sin)),
    add(mul(b!, cos), mul(a!, sin)),
    ...others,
  ], -1);
}
