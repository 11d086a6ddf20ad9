import { ORDERS } from "lib/data/sampler.ts";
import type { LossOptionValues } from "lib/losses/options.ts";
import { PEERS } from "lib/losses/loss.ts";
import { SCHEDULES } from "lib/optim.ts";
import {
  choice,
  type FlagValues,
  integer,
  kebab,
  number,
  text,
  toggle,
} from "lib/cli/verb.ts";
import { COMPUTING, computing, holding, memory } from "./computing.ts";
import type { ConversionSettings } from "lib/data/convert/convert.ts";
import {
  CONVERSION_FLAGS,
  READING_FLAGS,
  ROWS,
  TOKENIZING_FLAGS,
  tokenizingSettings,
} from "./rows.ts";
import type { TrainSettings, TuningSettings } from "lib/run/settings.ts";

const OPTIMIZATION = "Optimization";
const TUNING = "What is trained";

/** Passes over the data, where nothing says how long to train. */
const EPOCHS = 1;

/** A new adapter, unless flags say otherwise. */
const LORA = { loraRank: 16, loraAlpha: 32, loraTargets: "all-linear" };

/** The flags of `train`, but for those of the losses. */
export const TRAINING_FLAGS = {
  model: text({
    help: "model folder or .gguf file, or org/name[@revision][:file.gguf]",
    placeholder: "DIR|GGUF|ID",
    required: true,
  }),
  data: text({
    help: "preference data",
    placeholder: "FILE|ID[:SPLIT]",
    required: true,
  }),
  loss: text({
    help:
      "what is minimised: a loss that `deno task losses` lists, a file of " +
      "your own, or a sum such as dpo+0.2*sft; train --help NAME has its options",
    placeholder: "NAME|FILE.ts|SUM",
    required: true,
  }),
  preset: choice(PEERS, {
    help: "takes the loss as another trainer has it, not as the paper",
  }),
  out: text({
    help: "folder to write the run to",
    placeholder: "DIR",
    required: true,
  }),
  resume: toggle({ help: "go on from the last checkpoint in --out" }),
  saveEvery: integer({
    help: "steps between checkpoints, 0 for none",
    default: 0,
    min: 0,
  }),
  evalData: text({
    help: "data that is only evaluated",
    placeholder: "FILE|ID[:SPLIT]",
  }),
  evalEvery: integer({
    help: "steps between evaluations; the last step has one anyway",
    default: 0,
    min: 0,
  }),
  ...READING_FLAGS,
  ...TOKENIZING_FLAGS,
  ...CONVERSION_FLAGS,
  order: choice(ORDERS, {
    help: "their order in each epoch",
    default: "shuffled",
    group: ROWS,
  }),
  seed: integer({
    help: "of the order, and of a new adapter",
    default: 0,
    min: 0,
    group: ROWS,
  }),
  epochs: number({
    help: `passes over the data; if absent ${EPOCHS}`,
    above: 0,
    group: OPTIMIZATION,
  }),
  steps: integer({
    help: "optimizer steps, instead of --epochs",
    min: 1,
    group: OPTIMIZATION,
  }),
  batch: integer({
    help: "examples of a step",
    default: 8,
    min: 1,
    group: OPTIMIZATION,
  }),
  lr: number({
    help: "learning rate",
    default: 1e-5,
    above: 0,
    group: OPTIMIZATION,
  }),
  schedule: choice(SCHEDULES, {
    help: "learning rate after the warm-up",
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
    help: "decoupled, on matrices",
    default: 0,
    min: 0,
    group: OPTIMIZATION,
  }),
  maxGradNorm: number({
    help: "norm the gradient is clipped to, 0 for no clipping",
    default: 1,
    min: 0,
    group: OPTIMIZATION,
  }),
  optimizer: choice(["adamw"], {
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
  full: toggle({
    help: "train every parameter instead of an adapter",
    group: TUNING,
  }),
  loraRank: integer({
    help: `rank of a new adapter; if absent ${LORA.loraRank}`,
    min: 1,
    group: TUNING,
  }),
  loraAlpha: number({
    help: `scales its update by alpha / rank; if absent ${LORA.loraAlpha}`,
    above: 0,
    group: TUNING,
  }),
  loraTargets: text({
    help: `layers that it changes; if absent ${LORA.loraTargets}`,
    placeholder: "all-linear|NAME,…",
    group: TUNING,
  }),
  initAdapter: text({
    help: "adapter to go on with, a folder or org/name[@revision]; the " +
      "reference has it too",
    placeholder: "DIR|ID",
    group: TUNING,
  }),
  ...computing,
  ...memory,
  ...holding,
  precision: choice(["float32"], {
    help: "number format",
    default: "float32",
    group: COMPUTING,
  }),
} as const;

export type TrainingFlags = FlagValues<typeof TRAINING_FLAGS>;

/**
 * Settings from flags and from the options of the loss.
 *
 * @throws Error that names flags which contradict one another.
 */
export function trainingSettings(
  flags: TrainingFlags,
  options: LossOptionValues,
): TrainSettings {
  if (flags.steps !== undefined) refuse(flags, "epochs", "--steps");
  return {
    model: flags.model,
    data: flags.data,
    evalData: flags.evalData ?? null,
    loss: flags.loss,
    preset: flags.preset ?? null,
    options,
    tuning: tuningOf(flags),
    epochs: flags.epochs ?? EPOCHS,
    steps: flags.steps ?? null,
    batch: flags.batch,
    microTokens: flags.microTokens,
    learningRate: flags.lr,
    schedule: flags.schedule,
    warmup: flags.warmup,
    weightDecay: flags.weightDecay,
    maxGradNorm: flags.maxGradNorm,
    optimizer: flags.optimizer,
    seed: flags.seed,
    referenceEvery: flags.referenceEvery,
    referenceMix: flags.referenceMix,
    order: flags.order,
    maxLength: flags.maxLength ?? null,
    maxPromptLength: flags.maxPromptLength ?? null,
    truncate: flags.truncate,
    tokenizing: tokenizingSettings(flags),
    format: flags.format ?? null,
    skipBadRows: flags.skipBadRows,
    conversions: conversionsOf(flags),
    device: flags.device,
    precision: flags.precision,
    baseWeights: flags.baseWeights,
    threads: flags.threads,
    evalEvery: flags.evalEvery,
    saveEvery: flags.saveEvery,
  };
}

/** The conversions that are wanted, by the names of their flags. */
function conversionsOf(
  flags: TrainingFlags,
): TrainSettings["conversions"] {
  const names = Object.keys(CONVERSION_FLAGS) as (keyof ConversionSettings)[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = flags[name];
      return value === undefined || value === false ? [] : [[name, value]];
    }),
  );
}

function tuningOf(flags: TrainingFlags): TuningSettings {
  const { full, initAdapter, referenceMix } = flags;
  if (!full && referenceMix < 1) {
    throw new Error(
      "Cannot use --reference-mix below 1 without --full: means of adapters' factors are not means of the models they make",
    );
  }
  if (full && flags.baseWeights !== "float32") {
    throw new Error(
      `Cannot use --base-weights ${flags.baseWeights} with --full, which trains all weights, in float32`,
    );
  }
  if (full) {
    refuse(flags, "initAdapter", "--full, which trains no adapter");
    refuseLora(flags, "--full, which trains no adapter");
    return { kind: "full" };
  }
  if (initAdapter !== undefined) {
    refuseLora(flags, "--init-adapter, which has its own");
    return { kind: "adapter", adapter: initAdapter };
  }
  const { loraRank, loraAlpha, loraTargets } = { ...LORA, ...flags };
  return {
    kind: "lora",
    rank: loraRank,
    alpha: loraAlpha,
    targets: loraTargets === "all-linear"
      ? loraTargets
      : loraTargets.split(","),
  };
}

function refuseLora(flags: TrainingFlags, beside: string): void {
  for (const name of Object.keys(LORA)) refuse(flags, name, beside);
}

function refuse(flags: TrainingFlags, name: string, beside: string): void {
  if (!(name in flags)) return;
  throw new Error(`Cannot use --${kebab(name)} with ${beside}`);
}
