import * as v from "valibot";
import {
  choice,
  type FlagValues,
  grouped,
  integer,
  number,
  text,
} from "../cli/flag.ts";
import type { SettingsIn } from "../cli/settings_file.ts";
import {
  schemasOf,
  settle,
  settleSparse,
  sparseSchemasOf,
} from "../cli/settings.ts";
import { ORDERS } from "../data/sampler.ts";
import { PEERS } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { OPTIMIZER_NAMES } from "../optim.ts";
import { SCHEDULES } from "../train/schedule.ts";
import { checkJson } from "../record/check_json.ts";
import {
  DEVICE_FLAGS,
  MODEL_FLAGS,
  PRECISION_FLAGS,
  STEP_MEMORY_FLAGS,
  WEIGHT_FLAGS,
} from "./model_settings.ts";
import {
  CONVERSION_FLAGS,
  LENGTH_FLAGS,
  READING_FLAGS,
  ROWS,
  TOKENIZING_FLAGS,
} from "./row_settings.ts";
import {
  TUNING,
  TUNING_FLAGS,
  TUNING_SETTINGS,
  tuningSettings,
} from "./tuning_settings.ts";

const INPUT_FLAGS = {
  model: MODEL_FLAGS.model,
  data: text({
    help: "preference data",
    placeholder: "FILE|ID[:SPLIT]",
    required: true,
  }),
  loss: text({
    help: "the objective: a loss that `deno task losses` lists, a file of " +
      "your own, or a sum such as dpo+0.2*sft; train --help NAME lists its options",
    placeholder: "NAME|FILE.ts|SUM",
    required: true,
  }),
  preset: choice(PEERS, {
    help: "take the loss as this trainer defines it, rather than the paper",
  }),
  saveEvery: integer({
    help: "steps between checkpoints, 0 for none; if absent there is one " +
      "every five minutes",
    min: 0,
  }),
  evalData: text({
    help: "data to evaluate on",
    placeholder: "FILE|ID[:SPLIT]",
  }),
  modelOrigin: text({
    help: "where others get a --model that is not from the Hub: recorded, " +
      "nothing else",
    placeholder: "URL",
  }),
  dataOrigin: text({
    help: "where others get --data that are not from the Hub: recorded, " +
      "nothing else",
    placeholder: "URL",
  }),
  evalEvery: integer({
    help: "steps between evaluations, 0 for one after the last step only",
    default: 0,
    min: 0,
  }),
} as const;

const ORDER_FLAGS = grouped(ROWS, {
  order: choice(ORDERS, {
    help: "order of the rows in each epoch",
    default: "shuffled",
  }),
  seed: integer({
    help: "seed of the order of rows, and of a new adapter's weights",
    default: 0,
    min: 0,
  }),
});

const OPTIMIZATION_FLAGS = grouped("Optimization", {
  epochs: number({ help: "passes over the data", default: 1, above: 0 }),
  steps: integer({
    help: "optimizer steps, instead of --epochs",
    min: 1,
    excludes: { flags: ["epochs"] },
  }),
  batch: integer({ help: "examples a step", default: 8, min: 1 }),
  lr: number({
    help: "learning rate",
    default: 1e-5,
    above: 0,
    recordedAs: "learningRate",
  }),
  schedule: choice(SCHEDULES, {
    help: "course of the learning rate after the warm-up",
    default: "linear",
  }),
  warmup: integer({ help: "steps of warm-up", default: 0, min: 0 }),
  weightDecay: number({
    help: "decoupled weight decay, of matrices only",
    default: 0,
    min: 0,
  }),
  maxGradNorm: number({
    help: "largest norm of the gradient, which is scaled down to it; 0 for " +
      "no limit",
    default: 1,
    min: 0,
  }),
  optimizer: choice(OPTIMIZER_NAMES, { help: "optimizer", default: "adamw" }),
});

const REFERENCE_FLAGS = grouped(TUNING, {
  referenceEvery: integer({
    help: "steps after which the reference moves to the policy (TR-DPO), " +
      "0 for never",
    default: 0,
    min: 0,
  }),
  referenceMix: number({
    help: "share of the policy in the reference when it moves",
    default: 1,
    above: 0,
    max: 1,
  }),
});

const COMPUTING_FLAGS = {
  ...DEVICE_FLAGS,
  ...STEP_MEMORY_FLAGS,
  ...WEIGHT_FLAGS,
  ...PRECISION_FLAGS,
};

/** Settings that stand at the top of a record. */
const PLAIN_FLAGS = {
  ...INPUT_FLAGS,
  ...READING_FLAGS,
  ...LENGTH_FLAGS,
  ...ORDER_FLAGS,
  ...OPTIMIZATION_FLAGS,
  ...REFERENCE_FLAGS,
  ...COMPUTING_FLAGS,
};

/** All settings of a training run, except for the options of its loss. */
export const TRAIN_FLAGS = {
  ...INPUT_FLAGS,
  ...READING_FLAGS,
  ...LENGTH_FLAGS,
  ...TOKENIZING_FLAGS,
  ...CONVERSION_FLAGS,
  ...ORDER_FLAGS,
  ...OPTIMIZATION_FLAGS,
  ...REFERENCE_FLAGS,
  ...TUNING_FLAGS,
  ...COMPUTING_FLAGS,
};

/** Schema of a training run's settings, as a record keeps them. */
export const TRAIN_SETTINGS = v.strictObject({
  ...schemasOf(PLAIN_FLAGS),
  /** Options of the loss; those that are absent have its defaults. */
  options: v.record(
    v.string(),
    v.union(
      [v.number(), v.string(), v.boolean()],
      "a number, a text, or true or false",
    ),
  ),
  tuning: TUNING_SETTINGS,
  tokenizing: v.strictObject(schemasOf(TOKENIZING_FLAGS)),
  conversions: v.strictObject(sparseSchemasOf(CONVERSION_FLAGS)),
});

/**
 * Settings of one training run.
 *
 * @internal
 */
export type TrainSettings = Readonly<v.InferOutput<typeof TRAIN_SETTINGS>>;

/**
 * Settings from JSON, such as a record's. A setting that is missing has its
 * default.
 *
 * @param action what cannot be done otherwise.
 * @throws Error naming the setting that is wrong and what was expected.
 */
export function parseTrainSettings(
  value: unknown,
  action: string,
): TrainSettings {
  return checkJson(TRAIN_SETTINGS, value, action);
}

/** Settings of a run in a program: those that are missing have their defaults. */
export type GivenSettings =
  & Partial<TrainSettings>
  & Pick<TrainSettings, "model" | "data" | "loss">;

/**
 * All settings of a run.
 *
 * @throws Error naming the setting that is wrong and what was expected.
 */
export function completeSettings(given: GivenSettings): TrainSettings {
  return parseTrainSettings({
    options: {},
    tuning: { kind: "lora" },
    tokenizing: {},
    conversions: {},
    ...given,
  }, "Cannot run");
}

/**
 * Settings by their defaults. What was written before there was a setting was
 * made as its default has it.
 */
export function usualSettings(): TrainSettings {
  return completeSettings({ model: "-", data: "-", loss: "-" });
}

/**
 * The settings of a file for `train`, by the names of its flags. All may be on
 * the command line instead.
 *
 * @internal
 */
export type TrainFile = SettingsIn<typeof TRAIN_FLAGS> & {
  /** Options of the loss, and the folder `out`. */
  readonly [option: string]: unknown;
};

/** A command line with {@linkcode TRAIN_FLAGS}. */
interface TrainArgs {
  readonly values: FlagValues<typeof TRAIN_FLAGS>;
}

/**
 * Settings from a command line and from the options of the loss.
 *
 * @throws Error that names flags which contradict one another.
 */
export function trainSettings(
  { values }: TrainArgs,
  options: LossOptionValues,
): TrainSettings {
  const { full, referenceMix, baseWeights } = values;
  if (!full && referenceMix < 1) {
    throw new Error(
      "Cannot use --reference-mix below 1 without --full: means of adapters' factors are not means of the models they make",
    );
  }
  if (full && baseWeights !== "float32") {
    throw new Error(
      `Cannot use --base-weights ${baseWeights} with --full, which trains all weights, in float32`,
    );
  }
  return {
    ...settle(PLAIN_FLAGS, values),
    options,
    tuning: tuningSettings(values),
    tokenizing: settle(TOKENIZING_FLAGS, values),
    conversions: settleSparse(CONVERSION_FLAGS, values),
  };
}
