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
  writeSafetensors,
} from "../weights/safetensors.ts";
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
const FACTOR = /^(.+)\.lora_[AB]\.weight$/;

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
  const { replaced: modules, ...scaling } = await readAdapterConfig(
    join(folder, CONFIG),
  );
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

/** Lists the modules that a file has factors of, and the parameters it replaces. */
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
          ", and parameters of modules_to_save",
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

/** Whether a parameter is in a module whose name ends so, as PEFT matches it. */
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
