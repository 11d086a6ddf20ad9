import { lengthLimit, loadExamples, type LoadOptions } from "../data/load.ts";
import { examplesFor } from "../data/examples_for_loss.ts";
import { type DataKind, type Example, hashExamples } from "../data/example.ts";
import { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { resolveModel, type Source } from "../hub/resolve.ts";
import { chooseLoss, type ChosenLoss } from "../loss_tools/choose.ts";
import type { Loss, Peer } from "../losses/loss.ts";
import {
  type LossOptionValue,
  type LossOptionValues,
  resolveOptions,
} from "../losses/options.ts";
import {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "../models/load_policy.ts";
import type { Policy } from "../models/policy.ts";
import type { Optimizer } from "../optim.ts";
import { type DataSource, sourceName } from "../record/record.ts";
import { Rng } from "../rng.ts";
import type { Reference } from "../train/reference.ts";
import { lossRequirements } from "../train/requirements.ts";
import { type InputHooks, modelFolder, type ModelPlace } from "./models.ts";
import { tokenizeOptions } from "./row_settings.ts";
import type { TrainSettings } from "./settings.ts";

/** A policy in memory, and what the record of a run says of it. */
export interface PolicyInMemory {
  /** The policy. */
  readonly policy: Policy;
  /** Name of the model in the record. */
  readonly source: string;
  /** SHA-256 of the weights. */
  readonly weights: string;
  /** SHA-256 of the tokenizer or the vocabulary; `null` without one. */
  readonly tokenizer: string | null;
  /** The policy as a run's reference, in words. */
  readonly called: string;
}

/** Examples in memory, before they are made into what the loss reads. */
export interface DataInMemory {
  /** Kind of the examples. */
  readonly kind: DataKind;
  /** The examples. */
  readonly examples: readonly Example[];
  /** Their description in the record. */
  readonly description: DataSource;
}

/** Inputs that are in memory, each in place of what a setting names. */
export interface InputsInMemory {
  /** In place of `chooseLoss(settings.loss)`. */
  readonly loss?: ChosenLoss | undefined;
  /** In place of the folder `settings.model` and of `settings.tuning`. */
  readonly policy?: PolicyInMemory;
  /** In place of the file `settings.data`. */
  readonly data?: DataInMemory;
  /** In place of the file `settings.evalData`. */
  readonly evalData?: DataInMemory;
  /** In place of log-probabilities computed before the first step. */
  readonly reference?: Reference;
  /** In place of the one that `settings.optimizer` names. */
  readonly optimizer?: Optimizer;
  /** In place of the order that `settings.seed` draws for an epoch. */
  readonly shuffle?: (
    epoch: number,
    order: readonly number[],
  ) => readonly number[];
}

/** Examples as the loss reads them, and their description in the record. */
export interface TrainingData {
  readonly examples: readonly Example[];
  readonly description: DataSource;
}

/** The model of a run, from a folder or from memory. */
export interface RunModel extends Omit<LoadedPolicy, "weights"> {
  /** SHA-256 of the weights before training. */
  readonly hash: string;
  /** Name in the record. */
  readonly source: string;
  /** The folder and where it came from; `null` for a policy in memory. */
  readonly place: ModelPlace | null;
  /** Source of the initial adapter; `null` without one. */
  readonly adapterSource: Source | null;
  /** SHA-256 of the tokenizer; `null` without one. */
  readonly tokenizer: string | null;
  /** The model as a reference, in words. */
  readonly called: string;
}

/** Everything that a run reads, checked. */
export interface RunInputs {
  readonly loss: Loss;
  readonly lossSource: Omit<ChosenLoss, "loss">;
  /** Values of all options of the loss. */
  readonly options: LossOptionValues;
  readonly model: RunModel;
  readonly maxLength: number;
  readonly train: TrainingData;
  readonly evaluation: TrainingData | null;
}

/**
 * Resolves and reads what settings name: loss, model, data.
 *
 * @param given inputs that are in memory already.
 * @throws Error for the first thing that is missing or wrong.
 */
export async function loadInputs(
  settings: TrainSettings,
  given: InputsInMemory,
  hooks: InputHooks,
): Promise<RunInputs> {
  const { loss, ...lossSource } = given.loss ?? await chooseLoss(settings.loss);
  const options = resolveOptions(loss, {
    ...presetSettings(loss, settings.preset),
    ...settings.options,
  });
  checkBatch(loss, settings);
  const { model, tokenizer } = given.policy
    ? { model: modelOf(given.policy), tokenizer: null }
    : await loadModel(settings, hooks);
  const { config } = model.policy;
  const maxLength = lengthLimit(settings.maxLength, config);
  const { seed, conversions, data, evalData } = settings;
  const reading = {
    ...readingOptions(settings),
    tokenizer,
    vocabularySize: config.vocabSize,
    maxLength,
  };
  return {
    loss,
    lossSource,
    options,
    model,
    maxLength,
    train: forLoss(
      { loss, options },
      data,
      given.data ?? await loadExamples(data, {
        ...reading,
        role: "train",
        conversions: { ...conversions, seed },
      }, hooks),
    ),
    evaluation: evalData === null ? null : forLoss(
      { loss, options },
      evalData,
      given.evalData ?? await loadExamples(evalData, {
        ...reading,
        role: "eval",
        conversions: { ...sameKind(conversions), seed },
      }, hooks),
    ),
  };
}

/** How rows are read and tokenized, apart from the model's own limits. */
export function readingOptions(
  { tokenizing, maxPromptLength, truncate, format, skipBadRows }: Pick<
    TrainSettings,
    "tokenizing" | "maxPromptLength" | "truncate" | "format" | "skipBadRows"
  >,
): Partial<LoadOptions> {
  return {
    ...tokenizeOptions(tokenizing),
    ...maxPromptLength !== null && { maxPromptLength },
    truncate,
    ...format !== null && { format },
    skipBadRows,
  };
}

/**
 * Option values of a preset; none without one.
 *
 * @throws RangeError for a preset that the loss lacks.
 */
export function presetSettings(
  { id, presets = {} }: Loss,
  peer: Peer | null,
): Readonly<Record<string, LossOptionValue | undefined>> {
  const preset = peer === null ? { options: {} } : presets[peer];
  if (preset) return preset.options;
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

/** The conversions that make another kind of rows: noise is for training only. */
function sameKind(
  { pairs, pairLabels, unpair }: TrainSettings["conversions"],
): TrainSettings["conversions"] {
  return {
    ...pairs && { pairs },
    ...pairLabels && { pairLabels },
    ...unpair && { unpair },
  };
}

function modelOf(
  { policy, weights, source, tokenizer, called }: PolicyInMemory,
): RunModel {
  return {
    ...{ policy, source, tokenizer, called, hash: weights },
    ...{ exact: null, lora: null, adapterHash: null },
    ...{ place: null, adapterSource: null },
  };
}

/**
 * Loads the model that settings name, and its tokenizer.
 *
 * @throws Error as `modelFolder` and `loadPolicy`.
 */
export async function loadModel(
  settings: Pick<TrainSettings, "model" | "tuning" | "seed" | "baseWeights">,
  hooks: InputHooks,
): Promise<{ model: RunModel; tokenizer: Tokenizer | null }> {
  const place = await modelFolder(settings.model, hooks);
  const { tuning, adapterSource } = await tuningOf(settings, hooks);
  const { baseWeights } = settings;
  const { weights, ...loaded } = await loadPolicy(place.folder, tuning, {
    baseWeights,
  });
  const tokenizer = await loadTokenizer(place.folder);
  const model = {
    ...loaded,
    hash: await weights.hash(),
    source: sourceName(place.source),
    place,
    adapterSource,
    tokenizer: tokenizer?.hash ?? null,
    called: loaded.adapterHash
      ? "the model with the initial adapter"
      : "the model as loaded",
  };
  return { model, tokenizer };
}

async function tuningOf(
  { tuning, seed }: Pick<TrainSettings, "tuning" | "seed">,
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

/** Makes examples of the kind that a loss reads. */
function forLoss(
  { loss, options }: Pick<RunInputs, "loss" | "options">,
  location: string,
  { description, ...set }: DataInMemory,
): TrainingData {
  try {
    const examples = examplesFor(set, loss.data);
    const data = { examples, description };
    if (examples.length > 0) {
      return lossRequirements(loss, options).ratings ? withRatings(data) : data;
    }
  } catch (cause) {
    throw new Error(`Cannot use ${location} with loss "${loss.id}"`, { cause });
  }
  throw new Error(
    `Cannot use ${location} with loss "${loss.id}": expected desirable completions, found none`,
  );
}

/**
 * Examples of which a loss reads the ratings, which their hash then covers.
 *
 * @throws RangeError where one is missing, or a completion is rated below one
 * that stands after it.
 */
function withRatings({ examples, description }: TrainingData): TrainingData {
  const refuse = (count: number, why: string) => {
    if (count === 0) return;
    throw new RangeError(
      `${count} of ${examples.length} examples ${why}`,
    );
  };
  const rated = examples.flatMap(({ ratings }) => ratings ? [ratings] : []);
  refuse(
    examples.length - rated.length,
    "have no ratings: expected score_chosen and score_rejected in each row, or scores of its completions",
  );
  const rise = rated.filter((ratings) =>
    ratings.some((rating, i) => rating > (ratings[i - 1] ?? Infinity))
  );
  refuse(rise.length, "rate a worse completion higher than a better one");
  const sha256 = hashExamples({ examples, withRatings: true });
  return { examples, description: { ...description, sha256 } };
}
