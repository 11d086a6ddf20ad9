import { type LoraScaling, updateOf } from "./lora_targets.ts";
import {
  type Architecture,
  architectureOf,
  type DecoderConfig,
} from "../config.ts";
import { linearParameters, parameterNames } from "../parameters.ts";
import type { NamedTensor } from "../weights/safetensors_header.ts";
import type { TensorSource } from "../weights/safetensors.ts";

/** The factors of one weight's update, a multiple of `b·a`, row by row. */
export interface LoraPair {
  /** `[rank, inputs]` */
  readonly a: Float32Array;
  /** `[outputs, rank]` */
  readonly b: Float32Array;
}

/** A LoRA adapter. `updateOf` gives the rank and multiple of each update. */
export interface Adapter extends LoraScaling {
  /** Name of a base weight → the factors of its update. */
  readonly tensors: ReadonlyMap<string, LoraPair>;
  /** Parameters that replace the model's: PEFT's modules_to_save. */
  readonly replaced: readonly NamedTensor[];
}

/**
 * Checks that an adapter fits a model.
 *
 * @throws Error that names the weight, and the shapes expected and found.
 */
export function checkAdapter(config: DecoderConfig, adapter: Adapter): void {
  const { tensors, replaced } = adapter;
  const linear = shapesOf(linearParameters(config));
  for (const [name, { a, b }] of tensors) {
    const { rank } = updateOf(adapter, name);
    const shape = [b.length / rank, a.length / rank];
    const note = `A [${rank},${shape[1]}], B [${shape[0]},${rank}]`;
    assertShape(name, { shape, expected: linear.get(name), note });
  }
  const all = shapesOf(parameterNames({ ...config, tiedHead: false }));
  for (const { name, shape } of replaced) {
    assertShape(name, { shape, expected: all.get(name), note: "whole" });
  }
  adaptedConfig(config, replaced);
}

/**
 * Adapts a configuration to replaced parameters: a replaced head is no longer the
 * embedding.
 *
 * @throws Error if only the embedding is replaced, which is the head as well.
 */
export function adaptedConfig(
  config: DecoderConfig,
  replaced: readonly { readonly name: string }[],
): DecoderConfig {
  if (!config.tiedHead) return config;
  const names = new Set(replaced.map(({ name }) => name));
  const { embedding, head } = architectureOf(config).names;
  if (names.has(`${head}.weight`)) return { ...config, tiedHead: false };
  if (!names.has(`${embedding}.weight`)) return config;
  throw new Error(
    `Cannot use an adapter that replaces "${embedding}" alone, which is the ` +
      `model's head as well: expected modules_to_save to have "${head}" too`,
  );
}

function shapesOf(
  parameters: readonly { name: string; shape: readonly number[] }[],
): Map<string, readonly number[]> {
  return new Map(parameters.map(({ name, shape }) => [name, shape]));
}

function assertShape(
  name: string,
  { shape, expected, note }: {
    shape: readonly number[];
    expected: readonly number[] | undefined;
    note: string;
  },
): void {
  if (expected?.join() === shape.join()) return;
  throw new Error(
    `The adapter does not fit the model: it changes "${name}" of shape ` +
      `[${shape}] (${note}), ` +
      `the model has ${expected ? `[${expected}]` : "no such weight"}`,
  );
}

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
