import {
  apply,
  applyAll,
  type Dim,
  type Op,
  sameShape,
  type Shape,
  type Value,
} from "../onnx/graph.ts";
import { mul, onesLike, zerosLike } from "./elementwise.ts";

const axisOf = (axis: number, rank: number) => axis < 0 ? axis + rank : axis;

/**
 * Sum over axes. `fixed` holds the axes, as the type needs them when the graph
 * is built and ONNX wants them as a tensor.
 */
function reduceSum(axes: readonly number[], keepdims: boolean): Op {
  return {
    name: "ReduceSum",
    infer: ([x]) => [{
      dtype: x!.dtype,
      shape: x!.shape.flatMap((dim, axis) =>
        axes.includes(axis) ? (keepdims ? [1] : []) : [dim]
      ),
    }],
    vjp: ({ inputs: [x] }, [dy]) => [
      mul(keepdims ? dy! : unsqueeze(dy!, axes), onesLike(x!)),
      null,
    ],
  };
}

/** Sum over some axes (all by default), which are dropped or kept with size 1. */
export function sum(
  x: Value,
  axes: readonly number[] = x.shape.map((_, axis) => axis),
  { keepdims = false }: { keepdims?: boolean } = {},
): Value {
  const fixed = axes.map((axis) => axisOf(axis, x.shape.length));
  if (fixed.length === 0) return x;
  return apply(reduceSum(fixed, keepdims), [x, x.graph.integers(fixed)], {
    keepdims: Number(keepdims),
  });
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

/** Inserts axes of size 1, at their places in the result. */
function unsqueezeOp(axes: readonly number[]): Op {
  return {
    name: "Unsqueeze",
    infer: ([x]) => {
      const rest = [...x!.shape];
      const rank = rest.length + axes.length;
      const shape = Array.from(
        { length: rank },
        (_, axis) => axes.includes(axis) ? 1 : rest.shift()!,
      );
      return [{ dtype: x!.dtype, shape }];
    },
    vjp: (_node, [dy]) => [sum(dy!, axes), null],
  };
}
export function unsqueeze(x: Value, axes: readonly number[]): Value {
  return apply(unsqueezeOp(axes), [x, x.graph.integers(axes)]);
}

/**
 * Reshape with at most one dimension that neither is a number nor stands at
 * the same place before and after: ONNX's 0 copies, -1 infers.
 */
function reshapeOp(shape: Shape): Op {
  return {
    name: "Reshape",
    infer: ([x]) => [{ dtype: x!.dtype, shape }],
    vjp: ({ inputs: [x] }, [dy]) => [reshape(dy!, x!.shape), null],
  };
}
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const spec = shape.map((dim, axis) => reshapeDim(dim, x.shape[axis]));
  if (spec.filter((dim) => dim === -1).length > 1) {
    throw new RangeError(
      `Cannot reshape [${x.shape}] to [${shape}]: more than one dimension is unknown`,
    );
  }
  return apply(reshapeOp(shape), [x, x.graph.integers(spec)]);
}
function reshapeDim(dim: Dim, before: Dim | undefined): number {
  if (typeof dim === "number") return dim;
  return dim === before ? 0 : -1;
}

/** Permutes axes. */
export const Transpose: Op = {
  name: "Transpose",
  infer: ([x], attributes) => [{
    dtype: x!.dtype,
    shape: permutation(attributes["perm"]).map((axis) => x!.shape[axis]!),
  }],
  vjp: ({ attributes }, [dy]) => {
    const perm = permutation(attributes["perm"]);
    return [transpose(dy!, perm.map((_, axis) => perm.indexOf(axis)))];
  },
};
export const transpose = (x: Value, perm: readonly number[]): Value =>
  apply(Transpose, [x], { perm });

function permutation(perm: unknown): readonly number[] {
  return perm as readonly number[];
}

/** Part of one axis, `[start, end)`, of known size. */
function sliceOp(axis: number, start: number, end: number): Op {
  return {
    name: "Slice",
    infer: ([x]) => [{
      dtype: x!.dtype,
      shape: x!.shape.map((dim, i) => i === axis ? end - start : dim),
    }],
  };
}
/** Part of one axis, `[start, end)`. Forward only. */
export function slice(
  x: Value,
  { axis, start, end }: { axis: number; start: number; end: number },
): Value {
  const at = axisOf(axis, x.shape.length);
  const ints = (n: number) => x.graph.integers([n]);
  return apply(sliceOp(at, start, end), [x, ints(start), ints(end), ints(at)]);
}

/** Joins values along an axis. Its vjp is for known sizes only. */
export const Concat: Op = {
  name: "Concat",
  infer: (inputs, { axis }) => {
    const dims = inputs.map((x) => x.shape[axis as number]!);
    const total = dims.every((dim) => typeof dim === "number")
      ? dims.reduce<number>((a, b) => a + (b as number), 0)
      : dims.join("+");
    return [{
      dtype: inputs[0]!.dtype,
      shape: inputs[0]!.shape.map((dim, i) => i === axis ? total : dim),
    }];
  },
  vjp: ({ inputs, attributes }, [dy]) => {
    const axis = attributes["axis"] as number;
    return split(dy!, inputs.map(({ shape }) => shape[axis] as number), axis);
  },
};
export const concat = (values: readonly Value[], axis: number): Value =>
  apply(Concat, values, { axis: axisOf(axis, values[0]!.shape.length) });

/** Consecutive parts of an axis, of known sizes. */
function splitOp(axis: number, sizes: readonly number[]): Op {
  return {
    name: "Split",
    infer: ([x]) => {
      if (sizes.reduce((a, b) => a + b) !== x!.shape[axis]) {
        throw new RangeError(`expected ${sizes.join(" + ")} along an axis`);
      }
      return sizes.map((size) => ({
        dtype: x!.dtype,
        shape: x!.shape.map((dim, i) => i === axis ? size : dim),
      }));
    },
    vjp: ({ outputs }, cotangents) => [
      concat(outputs.map((y, i) => cotangents[i] ?? zerosLike(y)), axis),
      null,
    ],
  };
}
/** An axis in parts of these sizes. */
export function split(
  x: Value,
  sizes: readonly number[],
  axis: number,
): readonly Value[] {
  const at = axisOf(axis, x.shape.length);
  const parts = x.graph.integers(sizes);
  return applyAll(splitOp(at, sizes), [x, parts], { axis: at });
}

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
