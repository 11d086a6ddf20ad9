import type {
  Attributes,
  Each,
  NoAttributes,
  Op,
  Value,
  Values,
} from "./graph.ts";

/** An operand: a value, or a number that becomes a scalar constant. */
export type Operand = Value | number;

/** Attributes may be left out where an operator requires none. */
export type Given<A> = NoAttributes extends A ? [attributes?: A]
  : [attributes: A];

/** Applies an operator and returns its first output; numbers become scalars. */
export function apply<
  I extends Values,
  A extends Attributes,
  O extends readonly [Value, ...Values],
>(
  op: Op<I, A, O>,
  operands: Each<I, Operand>,
  ...attributes: Given<A>
): O[0] {
  return applyAll(op, operands, ...attributes)[0];
}

/** Applies an operator and returns its outputs; numbers become scalars. */
export function applyAll<
  I extends Values,
  A extends Attributes,
  O extends Values,
>(
  op: Op<I, A, O>,
  operands: Each<I, Operand>,
  ...[attributes]: Given<A>
): O {
  const graph = operands.find((operand) => typeof operand !== "number")?.graph;
  if (!graph) {
    throw new TypeError(
      `Cannot apply ${op.name}: found numbers only, expected a value among the operands`,
    );
  }
  const inputs = operands.map((operand) =>
    typeof operand === "number" ? graph.scalar(operand) : operand
  );
  return graph.apply(op, inputs, attributes ?? {});
}
