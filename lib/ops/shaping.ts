import { apply, applyAll } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import {
  type Dim,
  dimAt,
  sameShape,
  sameType,
  type Shape,
  sizeAt,
} from "../onnx/graph/tensor_type.ts";
import { mul, onesLike } from "./elementwise.ts";

const axisOf = (axis: number, rank: number) => axis < 0 ? axis + rank : axis;

const ReduceSum: Op<
  readonly [x: Value, axes: Value],
  { axes: readonly number[]; keepdims: boolean }
> = {
  name: "ReduceSum",
  written: { axes: "input" },
  infer: ([{ dtype, shape }], { axes, keepdims }) => [{
    dtype,
    shape: shape.flatMap((dim, axis) =>
      axes.includes(axis) ? (keepdims ? [1] : []) : [dim]
    ),
  }],
  vjp: ({ inputs: [x], attributes: { axes, keepdims } }, [dy]) => [
    mul(keepdims ? dy : unsqueeze(dy, axes), onesLike(x)),
    null,
  ],
};
/** Sum over some axes (all by default), which are dropped or kept with size 1. */
export function sum(
  x: Value,
  axes: readonly number[] = x.shape.map((_, axis) => axis),
  { keepdims = false }: { keepdims?: boolean } = {},
): Value {
  const fixed = axes.map((axis) => axisOf(axis, x.shape.length));
  if (fixed.length === 0) return x;
  const attributes = { axes: fixed, keepdims };
  return apply(ReduceSum, [x, x.graph.integers(fixed)], attributes);
}

/** Sums a value down to a shape that broadcasts to its own. */
export function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const leading = x.shape.flatMap((_, axis) => axis < lead ? [axis] : []);
  const led = sum(x, leading);
  const repeated = shape.flatMap((dim, axis) =>
    dim === led.shape[axis] ? [] : [axis]
  );
  return sum(led, repeated, { keepdims: true });
}

const Unsqueeze: Op<
  readonly [x: Value, axes: Value],
  { axes: readonly number[] }
> = {
  name: "Unsqueeze",
  written: { axes: "input" },
  infer: ([{ dtype, shape }], { axes }) => {
    const result: Dim[] = [...shape];
    for (const axis of axes.toSorted((a, b) => a - b)) {
      result.splice(axis, 0, 1);
    }
    return [{ dtype, shape: result }];
  },
  vjp: ({ attributes: { axes } }, [dy]) => [sum(dy, axes), null],
};
/** x with axes of size 1 inserted, at their places in the result. */
export const unsqueeze = (x: Value, axes: readonly number[]): Value =>
  apply(Unsqueeze, [x, x.graph.integers(axes)], { axes });

const Squeeze: Op<
  readonly [x: Value, axes: Value],
  { axes: readonly number[] }
> = {
  name: "Squeeze",
  written: { axes: "input" },
  infer: ([{ dtype, shape }], { axes }) => [{
    dtype,
    shape: shape.filter((_, axis) => !axes.includes(axis)),
  }],
};
/** x without axes of size 1. Forward only. */
export const squeeze = (x: Value, axes: readonly number[]): Value =>
  apply(Squeeze, [x, x.graph.integers(axes)], { axes });

const Reshape: Op<readonly [x: Value, sizes: Value], { shape: Shape }> = {
  name: "Reshape",
  written: { shape: "input" },
  infer: ([{ dtype }], { shape }) => [{ dtype, shape }],
  vjp: ({ inputs: [x] }, [dy]) => [reshape(dy, x.shape), null],
};
/**
 * x in another shape of as many elements.
 *
 * @throws RangeError if more than one dimension neither is a number nor stands
 * at the same place before and after: ONNX's 0 copies, -1 infers.
 */
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const sizes = shape.map((dim, axis) => reshapeDim(dim, x.shape[axis]));
  if (sizes.filter((size) => size === -1).length > 1) {
    throw new RangeError(
      `Cannot reshape [${x.shape}] to [${shape}]: more than one dimension is unknown`,
    );
  }
  return apply(Reshape, [x, x.graph.integers(sizes)], { shape });
}
function reshapeDim(dim: Dim, before: Dim | undefined): number {
  if (typeof dim === "number") return dim;
  return dim === before ? 0 : -1;
}

/**
 * x (`[n, …]`) with its first axis divided as the elements of `like`, of which
 * there are n: `[batch, length, …]`. ONNX infers one size of a shape at most, so
 * the others are read off `like` at each run.
 */
export function unflatten(x: Value, like: Value): Value {
  const rest = x.shape.slice(1);
  const sizes = [
    apply(SizesOf, [like]),
    x.graph.integers(rest.map((_, i) => sizeAt(x, i + 1))),
  ];
  const shape = [...like.shape, ...rest];
  return apply(Reshape, [x, concat(sizes, 0)], { shape });
}

/** Sizes of x, int64 `[rank]`. */
const SizesOf: Op = {
  name: "Shape",
  infer: ([{ shape }]) => [{ dtype: "int64", shape: [shape.length] }],
};

const Transpose: Op<readonly [x: Value], { perm: readonly number[] }> = {
  name: "Transpose",
  infer: ([x], { perm }) => [{
    dtype: x.dtype,
    shape: perm.map((axis) => dimAt(x, axis)),
  }],
  vjp: ({ attributes: { perm } }, [dy]) => [
    transpose(dy, perm.map((_, axis) => perm.indexOf(axis))),
  ],
};
/** x with its axes in another order: axis i of the result is axis `perm[i]`. */
export const transpose = (x: Value, perm: readonly number[]): Value =>
  apply(Transpose, [x], { perm });

/** A part of one axis, `[start, end)`, of known size. */
type Range = { axis: number; start: number; end: number };

const Slice: Op<readonly [x: Value, ...ends: Value[]], Range> = {
  name: "Slice",
  written: { start: "input", end: "input", axis: "input" },
  infer: ([{ dtype, shape }], { axis, start, end }) => [{
    dtype,
    shape: shape.map((dim, i) => i === axis ? end - start : dim),
  }],
};
/** Part of one axis, `[start, end)`. Forward only. */
export function slice(x: Value, { axis, start, end }: Range): Value {
  const at = axisOf(axis, x.shape.length);
  const ends = [start, end, at].map((n) => x.graph.integers([n]));
  return apply(Slice, [x, ...ends], { axis: at, start, end });
}

const Concat: Op<readonly Value[], { axis: number }> = {
  name: "Concat",
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    if (!first) throw new RangeError("there is nothing to join");
    const dims = inputs.map((x) => dimAt(x, axis));
    const [filled, ...others] = dims.filter((dim) => dim !== 0);
    const total = filled !== undefined && others.length === 0
      ? filled
      : dims.every((dim) => typeof dim === "number")
      ? dims.reduce((a, b) => a + b, 0)
      : dims.join("+");
    const shape = first.shape.map((dim, i) => i === axis ? total : dim);
    return [{ dtype: first.dtype, shape }];
  },
  vjp: ({ inputs, attributes: { axis } }, [dy]) =>
    split(dy, inputs.map((x) => sizeAt(x, axis)), axis),
};
/** Values joined along an axis. The gradient needs its sizes to be known. */
export function concat(values: readonly Value[], axis: number): Value {
  const rank = values[0]?.shape.length ?? 0;
  return apply(Concat, values, { axis: axisOf(axis, rank) });
}

const Split: Op<
  readonly [x: Value, sizes: Value],
  { axis: number; sizes: readonly number[] },
  readonly Value[]
> = {
  name: "Split",
  written: { sizes: "input" },
  infer: ([{ dtype, shape }], { axis, sizes }) => {
    if (sizes.reduce((a, b) => a + b) !== shape[axis]) {
      throw new RangeError(`expected ${sizes.join(" + ")} along an axis`);
    }
    return sizes.map((size) => ({
      dtype,
      shape: shape.map((dim, i) => i === axis ? size : dim),
    }));
  },
  vjp: ({ attributes: { axis } }, cotangents) => [
    concat(cotangents, axis),
    null,
  ],
};
/** An axis in parts of these sizes. */
export function split(
  x: Value,
  sizes: readonly number[],
  axis: number,
): readonly Value[] {
  const attributes = { axis: axisOf(axis, x.shape.length), sizes };
  return applyAll(Split, [x, x.graph.integers(sizes)], attributes);
}

const CumSum: Op<readonly [x: Value, axis: Value]> = {
  name: "CumSum",
  infer: sameType,
};

/** Sums of x up to each place of the last axis. Forward only. */
export function runningSum(x: Value): Value {
  const axis = Int32Array.of(x.shape.length - 1);
  return apply(CumSum, [x, x.graph.constant(axis, [])]);
}

/** 1, 2, 3 … along the last axis of the shape of x. Forward only. */
export const countUp = (x: Value): Value => runningSum(onesLike(x));

const ReduceMax: Op<readonly [x: Value, axes: Value]> = {
  name: "ReduceMax",
  infer: ([{ dtype, shape }]) => [{
    dtype,
    shape: [...shape.slice(0, -1), 1],
  }],
};
/** The largest along the last axis, which stays with size 1. Forward only. */
export const largest = (x: Value): Value =>
  apply(ReduceMax, [x, x.graph.integers([-1])]);

/** Length of the last axis of x, in each place of the other axes. */
export function lengthOf(x: Value): Value {
  return sum(onesLike(x), [-1], { keepdims: true });
}
