import { type LoraScaling, updateOf } from "./lora_targets.ts";
import { architectureOf, type DecoderConfig } from "../config.ts";
import { linearParameters, parameterNames } from "../parameters.ts";
import type { NamedTensor } from "../weights/safetensors_header.ts";
import type { TensorSource } from "../weights/write_safetensors.ts";

/** The factors of one weight's update, a multiple of `b·a`, row by row. */
export interface LoraPair {
  /** `[rank, inputs]`; an embedding's inputs are its rows. */
  readonly a: Float32Array;
  /** `[outputs, rank]` */
  readonly b: Float32Array;
  /** DoRA's norm of each output's weights, `[outputs]`. @default none */
  readonly magnitude?: Float32Array;
}

/** A LoRA adapter. `updateOf` gives the rank and multiple of each update. */
export interface Adapter extends LoraScaling {
  /** Name of a base weight → the factors of its update. */
  readonly tensors: ReadonlyMap<string, LoraPair>;
  /** Parameters that replace the model's: PEFT's modules_to_save. */
  readonly replaced: readonly NamedTensor[];
  /**
   * The embedding or the head as they were in training, which PEFT stores beside
   * their updates.
   *
   * @default none
   */
  readonly stored?: readonly NamedTensor[];
  /** Whether updates of a tied embedding are the head's as well. @default false */
  readonly tied?: boolean;
}

/**
 * Checks that an adapter fits a model.
 *
 * @throws Error that names the weight, and the shapes expected and found.
 */
export function checkAdapter(config: DecoderConfig, adapter: Adapter): void {
  const { tensors, replaced, stored = [] } = adapter;
  const updatable = updatableShapes(config);
  for (const [name, { a, b, magnitude }] of tensors) {
    const { rank } = updateOf(adapter, name);
    const shape = [magnitude?.length ?? b.length / rank, a.length / rank];
    const note = `A [${rank},${shape[1]}], B [${b.length / rank},${rank}]`;
    assertShape(name, { shape, expected: updatable.get(name), note });
    assertShape(name, {
      shape: [b.length / rank, shape[1]!],
      expected: updatable.get(name),
      note,
    });
  }
  const all = shapesOf(parameterNames({ ...config, tiedHead: false }));
  for (const { name, shape } of [...replaced, ...stored]) {
    assertShape(name, { shape, expected: all.get(name), note: "whole" });
  }
  refuseUntied(config, adapter);
}

/** Shapes of weights that may have an update, as `[outputs, inputs]`. */
function updatableShapes(
  config: DecoderConfig,
): Map<string, readonly number[]> {
  const { vocabSize, hiddenSize } = config;
  const [embedding, head] = namesOf(config);
  return shapesOf([
    ...linearParameters(config),
    { name: head, shape: [vocabSize, hiddenSize] },
    { name: embedding, shape: [hiddenSize, vocabSize] },
  ]);
}

function namesOf(config: DecoderConfig): [embedding: string, head: string] {
  const { embedding, head } = architectureOf(config).names;
  return [`${embedding}.weight`, `${head}.weight`];
}

/** Embedding and head that are one in the model must be so in the adapter. */
function refuseUntied(
  config: DecoderConfig,
  { tied, replaced, stored = [] }: Adapter,
): void {
  const whole = [...stored, ...tied ? replaced : []];
  const [one, other] = namesOf(config)
    .map((name) => whole.find((tensor) => tensor.name === name)?.data);
  if (!config.tiedHead || !one || !other) return;
  if (one.every((x, i) => x === other[i])) return;
  throw new Error(
    `Cannot use the adapter: it stores ${namesOf(config).join(" and ")} with ` +
      `different values, which the model has as one`,
  );
}

/**
 * Adapts a configuration to an adapter: a head or an embedding that it replaces or
 * updates is no longer the other one.
 */
export function adaptedConfig(
  config: DecoderConfig,
  { tensors, replaced }: Pick<Adapter, "tensors" | "replaced">,
): DecoderConfig {
  if (!config.tiedHead) return config;
  const changed = new Set([
    ...tensors.keys(),
    ...replaced.map(({ name }) => name),
  ]);
  const tiedHead = !namesOf(config).some((name) => changed.has(name));
  return { ...config, tiedHead };
}

/** The part of an adapter that can only be merged into the weights. */
export function mergedOnly(
  config: DecoderConfig,
  { tensors, stored = [] }: Adapter,
): { readonly names: readonly string[]; readonly reason: string } {
  const linear = new Set(linearParameters(config).map(({ name }) => name));
  const updated = [...tensors]
    .filter(([name, { magnitude }]) => magnitude || !linear.has(name))
    .map(([name]) => name);
  const names = [...updated, ...stored.map(({ name }) => name)];
  const outside = names.find((name) => !linear.has(name));
  return {
    names: [...new Set(names)],
    reason: outside === undefined
      ? "DoRA"
      : `updates of "${outside.replace(/\.weight$/, "")}"`,
  };
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
 * W + (alpha / rank) B A, computed in float64 and rounded once. DoRA then gives
 * the weights of each output a norm of its own.
 * https://arxiv.org/abs/2106.09685, https://arxiv.org/abs/2402.09353
 */
export function mergeAdapter(
  tensors: readonly TensorSource[],
  { tensors: pairs, replaced, stored = [], ...scaling }: Adapter,
  config: DecoderConfig,
): TensorSource[] {
  const [embedding, head] = namesOf(config);
  const { inputsFirst } = architectureOf(config);
  const isTransposed = (name: string) =>
    name === embedding || inputsFirst && name !== head;
  const whole = new Map(
    [...stored, ...replaced].map(({ name, data }) => [name, data]),
  );
  // PEFT writes a stored head into the embedding that it is, and the reverse.
  const other = config.tiedHead && stored.length > 0 &&
    (whole.get(embedding) ?? whole.get(head));
  return tensors.map((tensor) => {
    const { name } = tensor;
    const isShared = name === embedding || name === head;
    const data = whole.get(name) ?? (isShared && other);
    const base = data
      ? { ...tensor, read: () => Promise.resolve(data) }
      : tensor;
    const pair = pairs.get(name);
    if (!pair) return base;
    const update = { ...pair, ...updateOf(scaling, name) };
    const read = async () => {
      const weight = await base.read();
      if (!isTransposed(name)) return updated(weight, update);
      const rows = pair.a.length / update.rank;
      const turned = updated(transposed(weight, rows), update);
      return transposed(turned, turned.length / rows);
    };
    return { ...tensor, read };
  });
}

interface Update extends LoraPair {
  readonly rank: number;
  readonly scale: number;
}

/** Computes W + scale · b · a for W `[outputs, inputs]`, with DoRA's norms. */
function updated(
  weight: Float32Array,
  { a, b, magnitude, rank, scale }: Update,
): Float32Array {
  const columns = a.length / rank;
  const sum = new Float32Array(weight.length);
  const row = new Float64Array(columns);
  for (let output = 0; output < b.length / rank; output++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[output * rank + r]!;
      const at = r * columns;
      for (let i = 0; i < columns; i++) row[i]! += factor * a[at + i]!;
    }
    const start = output * columns;
    for (let i = 0; i < columns; i++) {
      row[i] = weight[start + i]! + scale * row[i]!;
    }
    const factor = magnitude ? magnitude[output]! / norm(row) : 1;
    for (let i = 0; i < columns; i++) sum[start + i] = factor * row[i]!;
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

function norm(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}
