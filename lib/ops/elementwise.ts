import {
  apply,
  type Dim,
  type DType,
  type Op,
  type Operand,
  type Shape,
  type Type,
  type Value,
} from "../onnx/graph.ts";

/** z = x + y */
export const Add: Op = {
  name: "Add",
  infer: broadcast,
  vjp: (_node, [dz]) => [dz!, dz!],
};
export const add = (x: Operand, y: Operand): Value => apply(Add, [x, y]);

/** z = x − y */
export const Sub: Op = {
  name: "Sub",
  infer: broadcast,
  vjp: (_node, [dz]) => [dz!, neg(dz!)],
};
export const sub = (x: Operand, y: Operand): Value => apply(Sub, [x, y]);

/** z = x · y */
export const Mul: Op = {
  name: "Mul",
  infer: broadcast,
  vjp: ({ inputs: [x, y] }, [dz]) => [mul(dz!, y!), mul(dz!, x!)],
};
export const mul = (x: Operand, y: Operand): Value => apply(Mul, [x, y]);

/** x times a number, x itself for 1. */
export const scale = (x: Value, factor: number): Value =>
  factor === 1 ? x : mul(x, factor);

/** z = x / y; dz = dx / y − z dy / y */
export const Div: Op = {
  name: "Div",
  infer: broadcast,
  vjp: ({ inputs: [, y], outputs: [z] }, [dz]) => {
    const dx = div(dz!, y!);
    return [dx, neg(mul(dx, z!))];
  },
};
export const div = (x: Operand, y: Operand): Value => apply(Div, [x, y]);

/** z = min(x, y); on a tie the gradient flows to x. */
export const Min: Op = {
  name: "Min",
  infer: broadcast,
  vjp: ({ inputs: [x, y] }, [dz]) => {
    const second = cast(greater(x!, y!), dz!.dtype);
    const dy = mul(dz!, second);
    return [sub(dz!, dy), dy];
  },
};
export const min = (x: Operand, y: Operand): Value => apply(Min, [x, y]);

/** z = max(x, y); on a tie the gradient flows to x. */
export const max = (x: Value, y: Operand): Value =>
  neg(min(neg(x), typeof y === "number" ? -y : neg(y)));

/** z = −x */
export const Neg: Op = {
  name: "Neg",
  infer: same,
  vjp: (_node, [dz]) => [neg(dz!)],
};
export const neg = (x: Operand): Value => apply(Neg, [x]);

/** z = eˣ; dz = z dx */
export const Exp: Op = {
  name: "Exp",
  infer: same,
  vjp: ({ outputs: [z] }, [dz]) => [mul(dz!, z!)],
};
export const exp = (x: Operand): Value => apply(Exp, [x]);

/** z = log x; dz = dx / x */
export const Log: Op = {
  name: "Log",
  infer: same,
  vjp: ({ inputs: [x] }, [dz]) => [div(dz!, x!)],
};
export const log = (x: Operand): Value => apply(Log, [x]);

/** z = √x; dz = dx / 2z */
export const Sqrt: Op = {
  name: "Sqrt",
  infer: same,
  vjp: ({ outputs: [z] }, [dz]) => [div(dz!, mul(z!, 2))],
};
export const sqrt = (x: Operand): Value => apply(Sqrt, [x]);

/** z = σ(x); dz = z (1 − z) dx */
export const Sigmoid: Op = {
  name: "Sigmoid",
  infer: same,
  vjp: ({ outputs: [z] }, [dz]) => {
    const part = mul(dz!, z!);
    return [sub(part, mul(part, z!))];
  },
};
export const sigmoid = (x: Operand): Value => apply(Sigmoid, [x]);

/** z = tanh x; dz = (1 − z²) dx */
export const Tanh: Op = {
  name: "Tanh",
  infer: same,
  vjp: ({ outputs: [z] }, [dz]) => [sub(dz!, mul(dz!, mul(z!, z!)))],
};
export const tanh = (x: Operand): Value => apply(Tanh, [x]);

/** z = x > y */
const Greater: Op = {
  name: "Greater",
  infer: (inputs) => [{ dtype: "bool", shape: broadcast(inputs)[0]!.shape }],
  vjp: () => [null, null],
};
export const greater = (x: Operand, y: Operand): Value =>
  apply(Greater, [x, y]);

/** z = ¬x */
const Not: Op = { name: "Not", infer: same, vjp: () => [null] };
export const not = (x: Value): Value => apply(Not, [x]);

const CAST_TARGETS: Partial<Record<DType, number>> = {
  float32: 1,
  int32: 6,
  float64: 11,
};

/** z = x in another type. */
const Cast: Op = {
  name: "Cast",
  infer: ([x], { to }) => {
    const found = Object.entries(CAST_TARGETS).find(([, code]) => code === to);
    return [{ dtype: found![0] as DType, shape: x!.shape }];
  },
  vjp: ({ inputs: [x] }, [dz]) => [
    x!.dtype.startsWith("float") ? cast(dz!, x!.dtype) : null,
  ],
};
export const cast = (x: Value, dtype: DType): Value => castBy(Cast, x, dtype);

/** The same for weights in fewer bits: each reader has its own wide ones. */
const Widen: Op = { ...Cast, perReader: true };
export const widen = (x: Value, dtype: DType): Value => castBy(Widen, x, dtype);

function castBy(op: Op, x: Value, dtype: DType): Value {
  const to = CAST_TARGETS[dtype];
  if (to === undefined) {
    throw new RangeError(`Cannot cast to ${dtype}: no graph computes in it`);
  }
  return x.dtype === dtype ? x : apply(op, [x], { to });
}

/** Ones of the shape of x, whatever it holds: ¬(x > x) is true for NaN and ∞. */
export const onesLike = (x: Value): Value => cast(not(greater(x, x)), x.dtype);

/** Zeros of the shape of x, whatever it holds. */
export const zerosLike = (x: Value): Value => cast(greater(x, x), x.dtype);

function same([x]: readonly Value[]): Type[] {
  return [{ dtype: x!.dtype, shape: x!.shape }];
}

function broadcast([x, y]: readonly Value[]): Type[] {
  if (x!.dtype !== y!.dtype) throw new RangeError("their types differ");
  const rank = Math.max(x!.shape.length, y!.shape.length);
  const shape = Array.from(
    { length: rank },
    (_, i) =>
      broadcastDim(dimAt(x!.shape, i - rank), dimAt(y!.shape, i - rank)),
  );
  return [{ dtype: x!.dtype, shape }];
}

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a !== b && a !== 1 && b !== 1) {
    throw new RangeError(`dimensions ${a} and ${b} do not broadcast`);
  }
  return a === 1 ? b : a;
}

/** The dimension at a negative axis; 1 where a shape has fewer. */
function dimAt(shape: Shape, axis: number): Dim {
  return shape.at(axis) !== undefined && -axis <= shape.length
    ? shape.at(axis)!
    : 1;
}

/** z = x, through which no gradient flows. */
export const Detach: Op = { name: "Identity", infer: same, vjp: () => [null] };
export const detach = (x: Value): Value => apply(Detach, [x]);
