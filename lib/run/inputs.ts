import { examplesFor } from "../data/examples_for_loss.ts";
import type { Example } from "../data/example.ts";
import { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
import {
  type ModelOptions,
  resolveModel,
  type Source,
} from "../hub/resolve.ts";
import type { Loss, Peer } from "../losses/loss.ts";
import {
  type LossOptionValue,
  type LossOptionValues,
  resolveOptions,
} from "../losses/options.ts";
import { chooseLoss, type ChosenLoss } from "../loss_tools/choose.ts";
import {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "../models/load_policy.ts";
import type { DataSource } from "../record/record.ts";
import { Rng } from "../rng.ts";
import {
  type DataOptions,
  type DownloadHooks,
  lengthLimit,
  readPreferences,
} from "../data/load.ts";
import { tokenizeOptions, type TrainSettings } from "./settings.ts";
import { cacheFolder } from "../files/cache_folder.ts";
import { isGgufFile } from "../models/gguf/gguf_file.ts";
import { ggufFolder } from "../models/gguf/gguf_folder.ts";
import { sha256File } from "../record/sha256.ts";
import type { BaseWeights } from "../models/base_weights.ts";

/** Examples as the loss wants them, and what the record says of them. */
export interface TrainingData {
  readonly examples: readonly Example[];
  readonly description: DataSource;
}

/** Everything a training run reads, checked. */
export interface TrainingInputs extends ModelPlace {
  readonly loss: Loss;
  readonly lossSource: Omit<ChosenLoss, "loss">;
  /** All options of the loss. */
  readonly options: LossOptionValues;
  readonly model: LoadedPolicy;
  /** Where the initial adapter came from; null without one. */
  readonly adapterSource: Source | null;
  readonly tokenizer: Tokenizer | null;
  readonly maxLength: number;
  readonly train: TrainingData;
  readonly evaluation: TrainingData | null;
}

/** What models and data tell while they are got. */
export interface InputHooks extends DownloadHooks, ConversionHook {}

/** What {@linkcode loadInputs} may be given. */
export interface InputOptions extends InputHooks {
  /** The settings' loss. @default as `chooseLoss()` chooses it */
  chosen?: ChosenLoss | undefined;
}

/**
 * Resolves and reads what settings name: loss, model, data.
 *
 * @throws Error for the first thing that is missing or wrong.
 */
export async function loadInputs(
  settings: TrainSettings,
  { chosen, ...hooks }: InputOptions,
): Promise<TrainingInputs> {
  const { loss, ...lossSource } = chosen ?? await chooseLoss(settings.loss);
  const options = resolveOptions(loss, {
    ...presetSettings(loss, settings.preset),
    ...settings.options,
  });
  checkBatch(loss, settings);
  const place = await modelFolder(settings.model, hooks);
  const { tuning, adapterSource } = await tuningOf(settings, hooks);
  const { baseWeights } = settings;
  const model = await loadPolicy(place.folder, tuning, { baseWeights });
  const { config } = model.policy;
  const tokenizer = await loadTokenizer(place.folder);
  const { maxPromptLength, truncate, data, evalData } = settings;
  const maxLength = lengthLimit(settings.maxLength, config);
  const reading = {
    tokenizer,
    vocabularySize: config.vocabSize,
    maxLength,
    ...(maxPromptLength === null ? {} : { maxPromptLength }),
    truncate,
    ...tokenizeOptions(settings.tokenizing),
    format: settings.format ?? undefined,
    ...hooks,
    skipBadRows: settings.skipBadRows,
  };
  const { seed } = settings;
  return {
    loss,
    lossSource,
    options,
    model,
    ...place,
    adapterSource,
    tokenizer,
    maxLength,
    train: await readFor(loss, data, {
      ...reading,
      role: "train",
      conversions: { ...settings.conversions, seed },
    }),
    evaluation: evalData === null ? null : await readFor(loss, evalData, {
      ...reading,
      role: "eval",
      conversions: { ...sameKind(settings.conversions), seed },
    }),
  };
}

/** What a preset sets; nothing without one. */
function presetSettings(
  { id, presets = {} }: Loss,
  peer: Peer | null,
): Readonly<Record<string, LossOptionValue | undefined>> {
  const preset = peer === null ? { settings: {} } : presets[peer];
  if (preset) return preset.settings;
  throw new RangeError(
    `Cannot use --preset ${peer}: loss "${id}" has ${
      Object.keys(presets).join(", ") || "none"
    }`,
  );
}

function checkBatch({ id, minimumBatch = 1 }: Loss, { batch }: TrainSettings) {
  if (batch >= minimumBatch) return;
  throw new RangeError(
    `Cannot use --batch ${batch}: loss "${id}" needs at least ${minimumBatch} examples in a batch`,
  );
}

/** Of conversions those that make another kind of rows: noise is for training. */
function sameKind(
  { pairs, pairLabels, unpair }: TrainSettings["conversions"],
): TrainSettings["conversions"] {
  return {
    ...pairs && { pairs },
    ...pairLabels && { pairLabels },
    ...unpair && { unpair },
  };
}

async function tuningOf(
  { tuning, seed }: TrainSettings,
  hooks: InputHooks,
): Promise<{ tuning: Tuning; adapterSource: Source | null }> {
  if (tuning.kind === "adapter") {
    const { folder, source } = await resolveModel(tuning.adapter, hooks);
    return { tuning: { kind: "adapter", folder }, adapterSource: source };
  }
  if (tuning.kind === "full") return { tuning, adapterSource: null };
  const rng = new Rng(seed).split("lora");
  const uniform = () => rng.uniform();
  return { tuning: { ...tuning, uniform }, adapterSource: null };
}

async function readFor(
  loss: Loss,
  pathOrId: string,
  options: DataOptions,
): Promise<TrainingData> {
  const { description, ...set } = await readPreferences(pathOrId, options);
  try {
    const examples = examplesFor(set, loss.data);
    if (examples.length > 0) return { examples, description };
  } catch (cause) {
    throw new Error(`Cannot use ${pathOrId} with loss "${loss.id}"`, { cause });
  }
  throw new Error(
    `Cannot use ${pathOrId} with loss "${loss.id}": expected desirable completions, found none`,
  );
}

/** What the conversion of a GGUF file tells as it goes on. */
export interface ConversionHook {
  onConvert?: (file: string, bytes: number, total: number) => void;
}

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
  const tuning: Tuning = adapter === undefined
    ? AS_IT_IS
    : { kind: "adapter", ...await resolveModel(adapter, hooks) };
  return {
    ...await loadPolicy(place.folder, tuning, baseWeights && { baseWeights }),
    ...place,
  };
}
