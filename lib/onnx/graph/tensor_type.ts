/** Element types in use; those of 16 bits and fewer only for weights. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "uint4"
  | "int32"
  | "int64"
  | "bool";

/** Types in which a graph does its arithmetic. */
export type Float = "float32" | "float64";

/** A size known when the graph is built, or the name of one known at a run. */
export type Dim = number | string;

/** The size of each dimension. */
export type Shape = readonly Dim[];

/** Element type and shape of a tensor. */
export interface Type {
  /** Type of the elements. */
  readonly dtype: DType;
  /** Sizes, some of them known at a run only. */
  readonly shape: Shape;
}

/** The text of a type, as errors show it: `float32[N, 64]`. */
export function describe({ dtype, shape }: Type): string {
  return `${dtype}[${shape.join(", ")}]`;
}

/** The type rule of operators whose result has the type of their first input. */
export function sameType(
  [{ dtype, shape }]: readonly [Type, ...Type[]],
): readonly [Type] {
  return [{ dtype, shape }];
}

/** @throws RangeError if a shape has no such axis, which may be negative. */
export function dimAt({ shape }: Type, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim !== undefined) return dim;
  throw new RangeError(`[${shape.join(", ")}] has no axis ${axis}`);
}

/** @throws RangeError if the size of an axis is known at a run only. */
export function sizeAt(x: Type, axis: number): number {
  const dim = dimAt(x, axis);
  if (typeof dim === "number") return dim;
  throw new RangeError(`dimension ${dim} is unknown, expected a number`);
}

/** Whether shapes have the same dimensions, by size or by name. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
