import type { Shape } from "./tensor_type.ts";

/** A scalar, a list, or an array of more axes in row-major order. */
export type Numbers = number | readonly number[] | {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
};

/** One input of a graph: its type, and how it is filled from a batch. */
export interface GraphInput<Batch> {
  readonly shape: Shape;
  /** @default the graph's float type */
  readonly dtype?: "int32";
  fill(batch: Batch): Numbers;
}

/** Inputs by the names that they have in a graph. */
export type InputTable<Batch, Name extends string = string> = Readonly<
  Record<Name, GraphInput<Batch>>
>;
