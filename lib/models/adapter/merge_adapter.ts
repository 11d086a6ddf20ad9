import type { Adapter } from "./adapter.ts";
import type { Architecture } from "../config.ts";
import type { TensorSource } from "../weights/safetensors.ts";
import { updateOf } from "./lora_targets.ts";

/**
 * Merges an adapter into the tensors of a model as they are read:
 * W + (alpha / rank) B A, computed in float64 and rounded once.
 * https://arxiv.org/abs/2106.09685
 */
export function mergeAdapter(
  tensors: readonly TensorSource[],
  { tensors: pairs, replaced, ...scaling }: Adapter,
  { inputsFirst }: Architecture,
): TensorSource[] {
  const whole = new Map(replaced.map(({ name, data }) => [name, data]));
  return tensors.map((tensor) => {
    const { name } = tensor;
    const data = whole.get(name);
    if (data) return { ...tensor, read: () => Promise.resolve(data) };
    const pair = pairs.get(name);
    if (!pair) return tensor;
    const { a, b } = pair;
    const read = async () => {
      const { rank, scale } = updateOf(scaling, name);
      const [left, right] = inputsFirst
        ? [transposed(a, rank), transposed(b, b.length / rank)]
        : [b, a];
      return updated(await tensor.read(), { left, right, rank, scale });
    };
    return { ...tensor, read };
  });
}

interface Update {
  /** `[rows, rank]` */
  readonly left: Float32Array;
  /** `[rank, columns]` */
  readonly right: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** Computes W + scale · left · right for W `[rows, columns]`. */
function updated(
  weight: Float32Array,
  { left, right, rank, scale }: Update,
): Float32Array {
  const columns = right.length / rank;
  const sum = new Float32Array(weight.length);
  const row = new Float64Array(columns);
  for (let start = 0; start < weight.length; start += columns) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = left[start / columns * rank + r]!;
      const at = r * columns;
      for (let i = 0; i < columns; i++) row[i]! += factor * right[at + i]!;
    }
    for (let i = 0; i < columns; i++) {
      sum[start + i] = weight[start + i]! + scale * row[i]!;
    }
  }
  return sum;
}

/** Transposes a matrix of so many rows. */
function transposed(matrix: Float32Array, rows: number): Float32Array {
  const columns = matrix.length / rows;
  return Float32Array.from(
    matrix,
    (_, i) => matrix[i % rows * columns + Math.floor(i / rows)]!,
  );
}
