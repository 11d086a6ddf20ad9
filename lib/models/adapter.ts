import { join } from "node:path";
import { writeFolder } from "../atomic_folder.ts";
import {
  type AdapterConfig,
  adapterFields,
  readAdapterConfig,
} from "./adapter/adapter_config.ts";
import { architectureOf } from "./architecture.ts";
import type { DecoderConfig } from "./config.ts";
import { linearParameters, parameterNames } from "./parameters.ts";
import { writeJson } from "./json_fields.ts";
import { type LoraScaling, updateOf } from "./adapter/lora_scaling.ts";
import { targetModules } from "./adapter/lora_targets.ts";
import {
  readHeader,
  readTensor,
  type SafetensorsFile,
  writeSafetensors,
} from "./weights/safetensors.ts";
import type { NamedTensor } from "./weights/safetensors_header.ts";
import { assertFinite } from "./weights.ts";

/** The factors of one weight's update, a multiple of `b·a`, row by row. */
export interface LoraPair {
  /** `[rank, inputs]` */
  readonly a: Float32Array;
  /** `[outputs, rank]` */
  readonly b: Float32Array;
}

/** A LoRA adapter. Of each update, `updateOf` tells rank and multiple. */
export interface Adapter extends LoraScaling {
  /** Name of a base weight → the factors of its update. */
  readonly tensors: ReadonlyMap<string, LoraPair>;
  /** Parameters that take the place of the model's: PEFT's modules_to_save. */
  readonly replaced: readonly NamedTensor[];
}

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
const PREFIX = "base_model.model.";
const FACTOR = /^(.+)\.lora_[AB]\.weight$/;

/**
 * Reads a LoRA adapter in PEFT's layout.
 *
 * @returns the adapter, and all that its adapter_config.json says.
 * @throws Error that names file and field or tensor: missing, unsupported, of
 * the wrong shape, or not finite.
 */
export async function readAdapter(
  folder: string,
): Promise<Adapter & Pick<AdapterConfig, "config">> {
  const said = await readAdapterConfig(join(folder, CONFIG));
  const { replaced: modules, ...scaling } = said;
  const file = await readHeader(join(folder, WEIGHTS));
  const { updated, replaced } = contentOf(file, modules);
  const tensors = new Map<string, LoraPair>();
  for (const module of updated) {
    const name = `${module}.weight`;
    const { rank } = updateOf(scaling, name);
    tensors.set(name, await readPair(file, { module, rank }));
  }
  return {
    ...scaling,
    tensors,
    replaced: await Promise.all(replaced.map(async (name) => ({
      name,
      ...await readWhole(file, PREFIX + name),
    }))),
  };
}

/**
 * Writes a LoRA adapter in PEFT's layout, all at once.
 *
 * @param folder a new or empty folder, or an adapter's, which is replaced.
 * @param options `baseModel`: the id or folder of the model it belongs to;
 * `config`: that model's configuration.
 * @throws Error that names the folder, which is as it was then.
 */
export async function writeAdapter(
  folder: string,
  adapter: Adapter,
  { baseModel, config }: { baseModel: string; config: DecoderConfig },
): Promise<void> {
  const { tensors, replaced } = adapter;
  const fields = adapterFields(adapter, {
    baseModel,
    fanInFanOut: architectureOf(config).inputsFirst,
    targets: targetModules(config, [...tensors.keys()]),
    replaced: [...new Set(replaced.map(({ name }) => moduleOf(name)))],
  });
  const stored = [
    ...[...tensors].flatMap(([weight, pair]) =>
      storedPair(weight, { pair, rank: updateOf(adapter, weight).rank })
    ),
    ...replaced.map((tensor) => ({ ...tensor, name: PREFIX + tensor.name })),
  ];
  await writeFolder(
    folder,
    new Map([
      [CONFIG, (path) => writeJson(path, fields)],
      [WEIGHTS, (path) => writeSafetensors(path, stored)],
    ]),
  );
}

/**
 * Checks that an adapter fits the model it is to change.
 *
 * @throws Error that names the weight, and the shapes expected and found.
 */
export function checkAdapter(config: DecoderConfig, adapter: Adapter): void {
  const { tensors, replaced } = adapter;
  const linear = shapesOf(linearParameters(config));
  for (const [name, { a, b }] of tensors) {
    const { rank } = updateOf(adapter, name);
    const found = [b.length / rank, a.length / rank];
    const factors = `A [${rank},${found[1]}], B [${found[0]},${rank}]`;
    assertShape(name, { found, expected: linear.get(name), note: factors });
  }
  const all = shapesOf(parameterNames({ ...config, tiedHead: false }));
  for (const { name, shape } of replaced) {
    assertShape(name, { found: shape, expected: all.get(name), note: "whole" });
  }
  adaptedConfig(config, replaced);
}

/**
 * The configuration of a model some of whose parameters are replaced: a head
 * of its own is no longer the embedding.
 *
 * @throws Error where the embedding alone is replaced that is the head as well.
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
  { found, expected, note }: {
    found: readonly number[];
    expected: readonly number[] | undefined;
    note: string;
  },
): void {
  if (expected?.join() === found.join()) return;
  throw new Error(
    `The adapter does not fit the model: it changes "${name}" of shape ` +
      `[${found}] (${note}), ` +
      `the model has ${expected ? `[${expected}]` : "no such weight"}`,
  );
}

/** Modules that a file has factors for, and parameters that it has whole. */
function contentOf(
  file: SafetensorsFile,
  modules: readonly string[],
): { updated: Set<string>; replaced: string[] } {
  const updated = new Set<string>();
  const replaced: string[] = [];
  for (const stored of file.tensors.keys()) {
    const name = stored.startsWith(PREFIX) ? stored.slice(PREFIX.length) : "";
    const [, module] = name.match(FACTOR) ?? [];
    if (module !== undefined) updated.add(module);
    else if (modules.some((one) => isWithin(name, one))) {
      replaced.push(name);
    } else {
      throw new Error(
        `Unknown tensor "${stored}" in ${file.path}: expected names such as ` +
          tensorName("model.layers.0.self_attn.q_proj", "A") +
          ", and of what modules_to_save has",
      );
    }
  }
  const missing = modules.find((one) =>
    !replaced.some((name) => isWithin(name, one))
  );
  if (missing === undefined) return { updated, replaced: replaced.sort() };
  throw new Error(
    `Cannot read ${file.path}: expected a tensor of "${missing}", which ` +
      `modules_to_save of ${CONFIG} has, found none`,
  );
}

/** Whether a parameter is in a module that ends so, as PEFT looks for it. */
function isWithin(parameter: string, ending: string): boolean {
  const parts = parameter.split(".");
  return parts.some((_, i) => parts.slice(0, i).join(".").endsWith(ending));
}

async function readPair(
  file: SafetensorsFile,
  { module, rank }: { module: string; rank: number },
): Promise<LoraPair> {
  const read = async (factor: "A" | "B", axis: number) => {
    const name = tensorName(module, factor);
    const { data, shape } = await readWhole(file, name);
    if (shape.length === 2 && shape[axis] === rank) return data;
    throw new Error(
      `Tensor "${name}" of ${file.path} has shape [${shape}], ` +
        `expected rank ${rank} on axis ${axis} of two`,
    );
  };
  return { a: await read("A", 0), b: await read("B", 1) };
}

async function readWhole(
  file: SafetensorsFile,
  name: string,
): Promise<Omit<NamedTensor, "name">> {
  const data = await readTensor(file, name);
  assertFinite(name, data, file.path);
  return { shape: file.tensors.get(name)!.shape, data };
}

function storedPair(
  weight: string,
  { pair: { a, b }, rank }: { pair: LoraPair; rank: number },
): NamedTensor[] {
  const module = moduleOf(weight);
  return [
    { name: tensorName(module, "A"), shape: [rank, a.length / rank], data: a },
    { name: tensorName(module, "B"), shape: [b.length / rank, rank], data: b },
  ];
}

function tensorName(module: string, factor: "A" | "B"): string {
  return `${PREFIX}${module}.lora_${factor}.weight`;
}

function moduleOf(parameter: string): string {
  return parameter.replace(/\.(weight|bias)$/, "");
}
