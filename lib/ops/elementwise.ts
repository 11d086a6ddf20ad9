import { apply, type Operand } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import {
  type Dim,
  type DType,
  sameType,
  type Shape,
  type Type,
} from "../onnx/graph/tensor_type.ts";

/** An operator of two values, of which each is repeated as the other needs. */
type Binary = Op<readonly [x: Value, y: Value]>;

const Add: Binary = {
  name: "Add",
  infer: broadcast,
  vjp: (_node, [dz]) => [dz, dz],
};
/** x + y */
export const add = (x: Operand, y: Operand): Value => apply(Add, [x, y]);

const Accumulate: Binary = { ...Add, accumulates: true };
/** A sum and one more of many parts. */
export const accumulate = (sum: Value, part: Value): Value =>
  apply(Accumulate, [sum, part]);

const Sub: Binary = {
  name: "Sub",
  infer: broadcast,
  vjp: (_node, [dz]) => [dz, neg(dz)],
};
/** x − y */
export const sub = (x: Operand, y: Operand): Value => apply(Sub, [x, y]);

const Mul: Binary = {
  name: "Mul",
  infer: broadcast,
  vjp: ({ inputs: [x, y] }, [dz]) => [mul(dz, y), mul(dz, x)],
};
/** x · y */
export const mul = (x: Operand, y: Operand): Value => apply(Mul, [x, y]);

/** x times a number, x itself for 1. */
export const scale = (x: Value, factor: number): Value =>
  factor === 1 ? x : mul(x, factor);

/** z = x / y; dz = dx / y − z dy / y */
const Div: Binary = {
  name: "Div",
  infer: broadcast,
  vjp: ({ inputs: [, y], outputs: [z] }, [dz]) => {
    const dx = div(dz, y);
    return [dx, neg(mul(dx, z))];
  },
};
/** x / y */
export const div = (x: Operand, y: Operand): Value => apply(Div, [x, y]);

const Min: Binary = {
  name: "Min",
  infer: broadcast,
  vjp: ({ inputs: [x, y] }, [dz]) => {
    const second = cast(greater(x, y), dz.dtype);
    const dy = mul(dz, second);
    return [sub(dz, dy), dy];
  },
};
/** min(x, y); on a tie the gradient flows to x. */
export const min = (x: Operand, y: Operand): Value => apply(Min, [x, y]);

/** max(x, y); on a tie the gradient flows to x. */
export const max = (x: Value, y: Operand): Value =>
  neg(min(neg(x), typeof y === "number" ? -y : neg(y)));

const Neg: Op = {
  name: "Neg",
  infer: sameType,
  vjp: (_node, [dz]) => [neg(dz)],
};
/** −x */
export const neg = (x: Operand): Value => apply(Neg, [x]);

const Exp: Op = {
  name: "Exp",
  infer: sameType,
  vjp: ({ outputs: [z] }, [dz]) => [mul(dz, z)],
};
/** eˣ */
export const exp = (x: Operand): Value => apply(Exp, [x]);

const Log: Op = {
  name: "Log",
  infer: sameType,
  vjp: ({ inputs: [x] }, [dz]) => [div(dz, x)],
};
/** log x, the natural logarithm. */
export const log = (x: Operand): Value => apply(Log, [x]);

const Sqrt: Op = {
  name: "Sqrt",
  infer: sameType,
  vjp: ({ outputs: [z] }, [dz]) => [div(dz, mul(z, 2))],
};
/** √x */
export const sqrt = (x: Operand): Value => apply(Sqrt, [x]);

/** z = σ(x); dz = z (1 − z) dx */
const Sigmoid: Op = {
  name: "Sigmoid",
  infer: sameType,
  vjp: ({ outputs: [z] }, [dz]) => {
    const part = mul(dz, z);
    return [sub(part, mul(part, z))];
  },
};
/** σ(x) = 1 / (1 + e⁻ˣ); `logistic` is exact in its tails, too. */
export const sigmoid = (x: Operand): Value => apply(Sigmoid, [x]);

/** z = tanh x; dz = (1 − z²) dx */
const Tanh: Op = {
  name: "Tanh",
  infer: sameType,
  vjp: ({ outputs: [z] }, [dz]) => [sub(dz, mul(dz, mul(z, z)))],
};
/** tanh x */
export const tanh = (x: Operand): Value => apply(Tanh, [x]);

const Greater: Binary = {
  name: "Greater",
  infer: (inputs) => {
    const [{ shape }] = broadcast(inputs);
    return [{ dtype: "bool", shape }];
  },
  vjp: () => [null, null],
};
/** Whether x > y, as booleans. */
export const greater = (x: Operand, y: Operand): Value =>
  apply(Greater, [x, y]);

const Not: Op = { name: "Not", infer: sameType, vjp: () => [null] };
/** ¬x of booleans. */
export const not = (x: Value): Value => apply(Not, [x]);

const Cast: Op<readonly [x: Value], { to: DType }> = {
  name: "Cast",
  written: { to: "type" },
  infer: ([{ shape }], { to }) => [{ dtype: to, shape }],
  vjp: ({ inputs: [x] }, [dz]) => [
    x.dtype.startsWith("float") ? cast(dz, x.dtype) : null,
  ],
};
/**
 * x in another type, x itself in its own.
 *
 * @throws RangeError for a type that no graph computes in.
 */
export const cast = (x: Value, dtype: DType): Value => castBy(Cast, x, dtype);

const CastUp: typeof Cast = { ...Cast, rematerialize: true };
/** `cast` for weights in fewer bits: the result is made anew for each reader. */
export const castUp = (x: Value, dtype: DType): Value =>
  castBy(CastUp, x, dtype);

const CAST_TARGETS: readonly DType[] = ["float32", "int32", "float64"];

function castBy(op: typeof Cast, x: Value, to: DType): Value {
  if (!CAST_TARGETS.includes(to)) {
    throw new RangeError(`Cannot cast to ${to}: no graph computes in it`);
  }
  return x.dtype === to ? x : apply(op, [x], { to });
}

/** The operator of `detach`. */
export const Detach: Op = {
  name: "Identity",
  infer: sameType,
  vjp: () => [null],
};
/** x, through which no gradient flows. */
export const detach = (x: Value): Value => apply(Detach, [x]);

/** Ones of the shape of x, whatever it holds: ¬(x > x) is true for NaN and ∞. */
export const onesLike = (x: Value): Value => cast(not(greater(x, x)), x.dtype);

/** Zeros of the shape of x, whatever it holds. */
export const zerosLike = (x: Value): Value => cast(greater(x, x), x.dtype);

function broadcast([x, y]: readonly [Value, Value]): readonly [Type] {
  if (x.dtype !== y.dtype) throw new RangeError("their types differ");
  const rank = Math.max(x.shape.length, y.shape.length);
  const shape = Array.from(
    { length: rank },
    (_, i) =>
      broadcastDim(dimOr1(x.shape, i - rank), dimOr1(y.shape, i - rank)),
  );
  return [{ dtype: x.dtype, shape }];
}

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a !== b && a !== 1 && b !== 1) {
    throw new RangeError(`dimensions ${a} and ${b} do not broadcast`);
  }
  return a === 1 ? b : a;
}

/** The dimension at a negative axis; 1 where a shape has fewer. */
const dimOr1 = (shape: Shape, axis: number): Dim => shape.at(axis) ?? 1;
