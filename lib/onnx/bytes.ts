import type { DType, Type } from "./graph/tensor_type.ts";

/** Bytes of an element of each type. */
export const BYTES: Record<DType, number> = {
  ...{ float32: 4, float64: 8, float16: 2, bfloat16: 2 },
  ...{ int8: 1, uint8: 1, uint4: 0.5, int32: 4, int64: 8, bool: 1 },
};

/** Bytes of a tensor; undefined where a size is known at a run only. */
export function knownBytes({ dtype, shape }: Type): number | undefined {
  const bytes = shape.reduce<number>((n, dim) => n * Number(dim), BYTES[dtype]);
  return Number.isNaN(bytes) ? undefined : bytes;
}
