import { type LoraScaling, updateOf } from "./lora_targets.ts";
import { architectureOf, type DecoderConfig } from "../config.ts";
import { linearParameters, parameterNames } from "../parameters.ts";
import type { NamedTensor } from "../weights/safetensors_header.ts";

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
