import type { DownloadHooks } from "../data/open_rows.ts";
import { cacheFolder } from "../files/cache_folder.ts";
import {
  type ModelOptions,
  resolveModel,
  type Source,
} from "../hub/resolve.ts";
import type { BaseWeights } from "../models/base_weights.ts";
import { isGgufFile } from "../models/gguf/gguf_file.ts";
import { ggufFolder } from "../models/gguf/gguf_folder.ts";
import {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "../models/load_policy.ts";
import { sha256File } from "../record/sha256.ts";

/** Progress of the conversion of a GGUF file. */
export interface ConversionHook {
  /** Called as a file is converted: bytes written, and of how many. */
  onConvert?: (file: string, bytes: number, total: number) => void;
}

/** Progress of downloads and conversions while models and data are read. */
export interface InputHooks extends DownloadHooks, ConversionHook {}

/** A model as a folder, and where it came from. */
export interface ModelPlace {
  readonly folder: string;
  readonly source: Source;
  /** SHA-256 of the GGUF file that the folder was made from, or null. */
  readonly gguf: string | null;
}

/**
 * A model's folder: one on this machine, one pulled from the Hub, or what a
 * GGUF file becomes, from wherever that is.
 *
 * @throws as `resolveModel` and `ggufFolder`.
 */
export async function modelFolder(
  pathOrId: string,
  { onConvert, ...options }: ModelOptions & ConversionHook = {},
): Promise<ModelPlace> {
  const { folder: found, source } = await resolveModel(pathOrId, options);
  if (!await isGgufFile(found)) return { folder: found, source, gguf: null };
  const gguf = await sha256File(found);
  const folder = await ggufFolder(found, {
    sha256: gguf,
    cache: await cacheFolder("gguf"),
    only: options.only,
    ...onConvert &&
      { onBytes: (bytes, total) => onConvert(found, bytes, total) },
  });
  return { folder, source, gguf };
}

/** Adapters of no weight: the model as it is. */
const AS_IT_IS: Tuning = {
  kind: "lora",
  rank: 1,
  alpha: 1,
  targets: [],
  uniform: () => 0,
};

/** A policy to be used, not trained. */
export interface OpenedPolicy extends LoadedPolicy, ModelPlace {}

/**
 * Opens a model from a path or the Hub, under an adapter if one is named.
 *
 * @param options `baseWeights`: how its weights are held.
 */
export async function openPolicy(
  model: string,
  adapter?: string,
  { baseWeights, ...hooks }: InputHooks & { baseWeights?: BaseWeights } = {},
): Promise<OpenedPolicy> {
  const place = await modelFolder(model, hooks);
  const tuning: Tuning = adapter === undefined ? AS_IT_IS : {
    kind: "adapter",
    folder: (await resolveModel(adapter, hooks)).folder,
    isTrained: false,
  };
  return {
    ...await loadPolicy(place.folder, tuning, baseWeights && { baseWeights }),
    ...place,
  };
}
