import { join } from "node:path";
import { writeFolder } from "../../files/atomic.ts";
import type { Adapter, LoraPair } from "./adapter.ts";
import { architectureOf, type DecoderConfig } from "../config.ts";
import { writeJson } from "../config_json/config_reader.ts";
import { assertFinite } from "../weights/weights.ts";
import {
  readHeader,
  readTensor,
  type SafetensorsFile,
} from "../weights/safetensors.ts";
import { writeSafetensors } from "../weights/write_safetensors.ts";
import type { NamedTensor } from "../weights/safetensors_header.ts";
import {
  type AdapterConfig,
  adapterFields,
  readAdapterConfig,
} from "./adapter_config.ts";
import { refuseOthers } from "./other_folders.ts";
import { targetModules, updateOf } from "./lora_targets.ts";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
const PREFIX = "base_model.model.";
/** Parts of an update: factors of a linear layer, of an embedding, DoRA's norms. */
const UPDATE =
  /^(.+)\.lora_(?:[AB]\.weight|(embedding_[AB])|(magnitude_vector)(?:\.weight)?)$/;
/** Modules that PEFT may store whole, and its own names of the copies. */
const WHOLE =
  /(?<=(?:^|\.)(?:embed_tokens|lm_head|wte|embed_in|embed_out))(?:\.base_layer)?\.weight$/;
/** Copies inside of PEFT's wrapper of a module that is saved. */
const WRAPPED = /\.(?:modules_to_save|original_module)\.(?:weight|bias)$/;

/**
 * Reads a LoRA adapter in PEFT's layout.
 *
 * @returns the adapter, and the contents of its adapter_config.json.
 * @throws Error that names file and field or tensor: missing, unsupported, of
 * the wrong shape, or not finite.
 */
export async function readAdapter(
  folder: string,
): Promise<Adapter & Pick<AdapterConfig, "config">> {
  await refuseOthers(folder);
  const { dora, ...settings } = await readAdapterConfig(join(folder, CONFIG));
  const file = await readHeader(join(folder, WEIGHTS));
  const { updated, replaced, stored } = contentOf(file, { ...settings, dora });
  const tensors = new Map<string, LoraPair>();
  for (const module of updated) {
    const name = `${module}.weight`;
    const { rank } = updateOf(settings, name);
    tensors.set(name, await readPair(file, { module, rank, dora }));
  }
  const readAll = (names: readonly string[]) =>
    Promise.all(names.map(async (stored) => ({
      name: stored.replace(WHOLE, ".weight"),
      ...await readWhole(file, PREFIX + stored),
    })));
  return {
    ...settings,
    tensors,
    replaced: await readAll(replaced),
    stored: await readAll(stored),
  };
}

/** The model that an adapter belongs to. */
export interface BaseModel {
  /** Its id on the Hub, or its folder. */
  readonly baseModel: string;
  /** Its commit on the Hub. @default none */
  readonly revision?: string;
  readonly config: DecoderConfig;
}

/**
 * Writes a LoRA adapter in PEFT's layout, all at once.
 *
 * @param folder a new or empty folder, or an adapter's, which is replaced.
 * @throws Error that names the folder, which stays as it was.
 */
export async function writeAdapter(
  folder: string,
  adapter: Adapter,
  { config, ...base }: BaseModel,
): Promise<void> {
  const { tensors, replaced } = adapter;
  const fields = adapterFields(adapter, {
    ...base,
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

interface Content {
  /** Modules that the file has factors of. */
  readonly updated: ReadonlySet<string>;
  /** Parameters that it replaces. */
  readonly replaced: readonly string[];
  /** Weights that it has besides. */
  readonly stored: readonly string[];
}

/**
 * Lists the contents of a file.
 *
 * @throws Error for a tensor that is none of them, or a module without tensors.
 */
function contentOf(
  file: SafetensorsFile,
  { replaced: modules, tied, dora }: Pick<
    AdapterConfig,
    "replaced" | "tied" | "dora"
  >,
): Content {
  const updated = new Set<string>();
  const replaced: string[] = [];
  const stored: string[] = [];
  for (const full of file.tensors.keys()) {
    const name = full.startsWith(PREFIX) ? full.slice(PREFIX.length) : "";
    const [, module, , magnitude] = name.match(UPDATE) ?? [];
    const isSaved = modules.some((one) => isWithin(name, one)) ||
      tied && modules.length > 0 && WHOLE.test(name);
    if (module !== undefined && (dora || !magnitude)) updated.add(module);
    else if (isSaved && WRAPPED.test(name)) continue;
    else if (isSaved) replaced.push(name);
    else if (WHOLE.test(name)) stored.push(name);
    else {
      throw new Error(
        `Unknown tensor "${full}" in ${file.path}: expected names such as ` +
          tensorName("model.layers.0.self_attn.q_proj", "A") +
          ", and parameters of modules_to_save",
      );
    }
  }
  const missing = modules.find((one) =>
    !replaced.some((name) => isWithin(name, one))
  );
  if (missing === undefined) {
    return { updated, replaced: replaced.sort(), stored };
  }
  throw new Error(
    `Cannot read ${file.path}: expected a tensor of "${missing}", which ` +
      `modules_to_save of ${CONFIG} has, found none`,
  );
}

/** Whether a parameter is in a module whose name ends so, as PEFT matches it. */
function isWithin(parameter: string, ending: string): boolean {
  const parts = parameter.split(".");
  return parts.some((_, i) => parts.slice(0, i).join(".").endsWith(ending));
}

async function readPair(
  file: SafetensorsFile,
  { module, rank, dora }: { module: string; rank: number; dora: boolean },
): Promise<LoraPair> {
  const isEmbedding = file.tensors.has(embeddingName(module, "A"));
  const nameOf = isEmbedding ? embeddingName : tensorName;
  const read = async (factor: "A" | "B", axis: number) => {
    const name = nameOf(module, factor);
    const { data, shape } = await readWhole(file, name);
    if (shape.length === 2 && shape[axis] === rank) return data;
    throw new Error(
      `Tensor "${name}" of ${file.path} has shape [${shape}], ` +
        `expected rank ${rank} on axis ${axis} of two`,
    );
  };
  const pair = { a: await read("A", 0), b: await read("B", 1) };
  if (!dora) return pair;
  const name = `${PREFIX}${module}.lora_magnitude_vector`;
  const magnitude = file.tensors.has(name) ? name : `${name}.weight`;
  return { ...pair, magnitude: (await readWhole(file, magnitude)).data };
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

function embeddingName(module: string, factor: "A" | "B"): string {
  return `${PREFIX}${module}.lora_embedding_${factor}`;
}

function moduleOf(parameter: string): string {
  return parameter.replace(/\.(weight|bias)$/, "");
}
