import * as v from "valibot";
import {
  choice,
  type FlagValues,
  integer,
  kebab,
  number,
  parsed,
  text,
  toggle,
} from "../cli/flag.ts";
import {
  schemasOf,
  settle,
  settleSparse,
  sparseSchemasOf,
} from "../cli/settings.ts";
import { ORDERS } from "../data/sampler.ts";
import { PEERS } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { OPTIMIZER_NAMES, SCHEDULES } from "../optim.ts";
import { checkJson } from "../record/check_json.ts";
import {
  COMPUTING,
  DEVICE_FLAGS,
  MEMORY_FLAGS,
  MODEL_FLAGS,
  WEIGHT_FLAGS,
} from "./model_settings.ts";
import {
  CONVERSION_FLAGS,
  LENGTH_FLAGS,
  READING_FLAGS,
  ROWS,
  TOKENIZING_FLAGS,
} from "./row_settings.ts";

const OPTIMIZATION = "Optimization";
const TUNING = "Trained parameters";

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
  evalEvery: integer({
    help: "steps between evaluations, 0 for one after the last step only",
    default: 0,
    min: 0,
  }),
} as const;

const OPTIMIZATION_FLAGS = {
  order: choice(ORDERS, {
    help: "order of the rows in each epoch",
    default: "shuffled",
    group: ROWS,
  }),
  seed: integer({
    help: "seed of the order of rows, and of a new adapter's weights",
    default: 0,
    min: 0,
    group: ROWS,
  }),
  epochs: number({
    help: "passes over the data",
    default: 1,
    above: 0,
    group: OPTIMIZATION,
  }),
  steps: integer({
    help: "optimizer steps, instead of --epochs",
    min: 1,
    group: OPTIMIZATION,
  }),
  batch: integer({
    help: "examples a step",
    default: 8,
    min: 1,
    group: OPTIMIZATION,
  }),
  lr: number({
    help: "learning rate",
    default: 1e-5,
    above: 0,
    group: OPTIMIZATION,
    recordedAs: "learningRate",
  }),
  schedule: choice(SCHEDULES, {
    help: "course of the learning rate after the warm-up",
    default: "linear",
    group: OPTIMIZATION,
  }),
  warmup: integer({
    help: "steps of warm-up",
    default: 0,
    min: 0,
    group: OPTIMIZATION,
  }),
  weightDecay: number({
    help: "decoupled weight decay, of matrices only",
    default: 0,
    min: 0,
    group: OPTIMIZATION,
  }),
  maxGradNorm: number({
    help: "largest norm of the gradient, which is scaled down to it; 0 for " +
      "no limit",
    default: 1,
    min: 0,
    group: OPTIMIZATION,
  }),
  optimizer: choice(OPTIMIZER_NAMES, {
    help: "optimizer",
    default: "adamw",
    group: OPTIMIZATION,
  }),
  referenceEvery: integer({
    help: "steps after which the reference moves to the policy (TR-DPO), " +
      "0 for never",
    default: 0,
    min: 0,
    group: TUNING,
  }),
  referenceMix: number({
    help: "share of the policy in the reference when it moves",
    default: 1,
    above: 0,
    max: 1,
    group: TUNING,
  }),
} as const;

/** Settings of a new adapter. */
const LORA_FLAGS = {
  loraRank: integer({
    help: "rank of a new adapter",
    default: 16,
    min: 1,
    group: TUNING,
    recordedAs: "rank",
  }),
  loraAlpha: number({
    help: "scales a new adapter's update by alpha / rank",
    default: 32,
    above: 0,
    group: TUNING,
    recordedAs: "alpha",
  }),
  loraTargets: parsed({
    help: "layers that a new adapter changes",
    placeholder: "all-linear|NAME,…",
    expected: "all-linear, or names of layers",
    default: "all-linear",
    group: TUNING,
    parse: (names) => names === "all-linear" ? names : names.split(","),
    is: isTargets,
    recordedAs: "targets",
  }),
} as const;

const ADAPTER_FLAGS = {
  initAdapter: text({
    help: "adapter to train further, a folder or org/name[@revision]; the " +
      "reference has it too",
    placeholder: "DIR|ID",
    required: true,
    group: TUNING,
    recordedAs: "adapter",
  }),
} as const;

const COMPUTING_FLAGS = {
  ...DEVICE_FLAGS,
  ...MEMORY_FLAGS,
  ...WEIGHT_FLAGS,
  precision: choice(["float32"], {
    help: "number format of the arithmetic",
    default: "float32",
    group: COMPUTING,
  }),
} as const;

/** Settings that stand in a record under their own names. */
const PLAIN_FLAGS = {
  ...INPUT_FLAGS,
  ...READING_FLAGS,
  ...LENGTH_FLAGS,
  ...OPTIMIZATION_FLAGS,
  ...COMPUTING_FLAGS,
} as const;

/** Every setting of a training run, apart from the options of its loss. */
export const TRAIN_FLAGS = {
  ...INPUT_FLAGS,
  ...READING_FLAGS,
  ...LENGTH_FLAGS,
  ...TOKENIZING_FLAGS,
  ...CONVERSION_FLAGS,
  ...OPTIMIZATION_FLAGS,
  full: toggle({
    help: "train every parameter instead of an adapter",
    group: TUNING,
  }),
  ...LORA_FLAGS,
  initAdapter: { ...ADAPTER_FLAGS.initAdapter, required: false },
  ...COMPUTING_FLAGS,
} as const;

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
  tuning: v.variant("kind", [
    v.strictObject({ kind: v.literal("full") }),
    v.strictObject({ kind: v.literal("lora"), ...schemasOf(LORA_FLAGS) }),
    v.strictObject({ kind: v.literal("adapter"), ...schemasOf(ADAPTER_FLAGS) }),
  ]),
  tokenizing: v.strictObject(schemasOf(TOKENIZING_FLAGS)),
  conversions: v.strictObject(sparseSchemasOf(CONVERSION_FLAGS)),
});

/**
 * Settings of one training run.
 *
 * @internal
 */
export type TrainSettings = Readonly<v.InferOutput<typeof TRAIN_SETTINGS>>;

/** Which parameters are trained. */
export type TuningSettings = TrainSettings["tuning"];

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

/** A command line of which {@linkcode TRAIN_FLAGS} are a part. */
interface TrainArgs {
  readonly values: FlagValues<typeof TRAIN_FLAGS>;
  readonly given: ReadonlySet<string>;
}

/**
 * Settings from a command line and from the options of the loss.
 *
 * @throws Error that names flags which contradict one another.
 */
export function trainSettings(
  args: TrainArgs,
  options: LossOptionValues,
): TrainSettings {
  const { values } = args;
  if (values.steps !== undefined) refuse(args, { epochs: true }, "--steps");
  return {
    ...settle(PLAIN_FLAGS, values),
    options,
    tuning: tuningOf(args),
    tokenizing: settle(TOKENIZING_FLAGS, values),
    conversions: settleSparse(CONVERSION_FLAGS, values),
  };
}

function tuningOf(args: TrainArgs): TuningSettings {
  const { full, initAdapter, referenceMix, baseWeights } = args.values;
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
  if (full) {
    const flags = { ...ADAPTER_FLAGS, ...LORA_FLAGS };
    refuse(args, flags, "--full, which trains no adapter");
    return { kind: "full" };
  }
  if (initAdapter !== undefined) {
    refuse(args, LORA_FLAGS, "--init-adapter, which has its own");
    return { kind: "adapter", adapter: initAdapter };
  }
  return { kind: "lora", ...settle(LORA_FLAGS, args.values) };
}

function refuse({ given }: TrainArgs, flags: object, beside: string): void {
  const name = Object.keys(flags).find((name) => given.has(name));
  if (name === undefined) return;
  throw new Error(`Cannot use --${kebab(name)} with ${beside}`);
}

function isTargets(value: unknown): value is "all-linear" | readonly string[] {
  return value === "all-linear" ||
    Array.isArray(value) && value.every((name) => typeof name === "string");
}
