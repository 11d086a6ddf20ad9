import { parseFlags } from "lib/flags.ts";
import { ORDERS } from "lib/data/sampler.ts";
import { truncations } from "lib/data/tokenize.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { SCHEDULES } from "lib/optim.ts";
import {
  interruption,
  type Progress,
  progress,
  runVerb,
  say,
} from "lib/terminal.ts";
import {
  choice,
  type FlagValues,
  integer,
  number,
  text,
  toggle,
  type Verb,
} from "lib/verb.ts";
import { downloadProgress } from "./download_progress.ts";
import { lossFlags, lossOptions } from "./loss_flags.ts";
import { trainingRun } from "./training_run.ts";
import type { TrainSettings, TuningSettings } from "./training_settings.ts";

const FLAGS = {
  model: text({
    help: "model to train",
    placeholder: "DIR|ID[@REVISION]",
    required: true,
  }),
  data: text({
    help: "preference data",
    placeholder: "FILE|ID[:SPLIT]",
    required: true,
  }),
  evalData: text({
    help: "data that is only evaluated",
    placeholder: "FILE|ID[:SPLIT]",
  }),
  loss: choice(LOSSES.map(({ id }) => id), {
    help: "what is minimised",
    required: true,
  }),
  out: text({
    help: "folder to write the run to",
    placeholder: "DIR",
    required: true,
  }),
  resume: toggle({ help: "go on from the last checkpoint in --out" }),
  epochs: number({ help: "passes over the data", default: 1, above: 0 }),
  steps: integer({ help: "optimizer steps, instead of --epochs", min: 1 }),
  batch: integer({ help: "examples of a step", default: 8, min: 1 }),
  microTokens: integer({
    help: "tokens that are in memory at once; does not change the result",
    default: 1024,
    min: 1,
  }),
  lr: number({ help: "learning rate", default: 1e-5, above: 0 }),
  schedule: choice(SCHEDULES, {
    help: "learning rate after the warm-up",
    default: "linear",
  }),
  warmup: integer({ help: "steps of warm-up", default: 0, min: 0 }),
  weightDecay: number({
    help: "decoupled, on matrices",
    default: 0,
    min: 0,
  }),
  maxGradNorm: number({
    help: "norm the gradient is clipped to, 0 for no clipping",
    default: 1,
    min: 0,
  }),
  optimizer: choice(["adamw"], { help: "optimizer", default: "adamw" }),
  seed: integer({ help: "of order and adapters", default: 0, min: 0 }),
  order: choice(ORDERS, { help: "of the examples", default: "shuffled" }),
  maxLength: integer({
    help: "tokens of a prompt and a completion together; 1024 or what the " +
      "model has, if absent",
    min: 2,
  }),
  maxPromptLength: integer({ help: "tokens of a prompt", min: 1 }),
  truncate: choice(truncations, {
    help: "what happens to examples that are too long",
    default: "end",
  }),
  full: toggle({ help: "train every parameter instead of an adapter" }),
  loraRank: integer({ help: "rank of the adapters", default: 16, min: 1 }),
  loraAlpha: number({
    help: "scale of the adapters, times the rank",
    default: 32,
    above: 0,
  }),
  loraTargets: text({
    help: "layers with adapters",
    placeholder: "all-linear|NAME,NAME…",
    default: "all-linear",
  }),
  initAdapter: text({
    help: "adapter to start from; the reference has it too",
    placeholder: "DIR|ID",
  }),
  device: choice(["auto", "cpu", "webgpu", "cuda"], {
    help: "where graphs run",
    default: "auto",
  }),
  precision: choice(["float32"], {
    help: "number format",
    default: "float32",
  }),
  threads: integer({
    help: "threads of the CPU; all cores if absent",
    min: 1,
  }),
  evalEvery: integer({
    help: "steps between evaluations, 0 for the last step only",
    default: 0,
    min: 0,
  }),
  saveEvery: integer({
    help: "steps between checkpoints, 0 for none",
    default: 0,
    min: 0,
  }),
} as const;

const TRAIN = {
  name: "train",
  summary: "Trains a model on preferences.",
  flags: { ...FLAGS, ...lossFlags(LOSSES) },
  examples: [
    "deno task train --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo --out out/dpo",
    "deno task train --model org/name@main --data org/pairs:train --loss kto --beta 0.3 --out out/kto",
    "deno task train --model ./model --data pairs.jsonl --loss orpo --full --lr 1e-6 --out out/orpo",
  ],
} satisfies Verb;

await runVerb(
  () => parseFlags(TRAIN, Deno.args),
  async ({ values }) => {
    // The losses' own flags are read by name; the others have exact types.
    const flags: FlagValues<typeof FLAGS> = values;
    const settings = settingsOf(
      flags,
      lossOptions(LOSSES, values),
    );
    using stop = interruption();
    let bar: Progress | undefined;
    const record = await trainingRun(settings, {
      out: flags.out,
      resume: flags.resume,
      onFile: downloadProgress(),
      onPhase: say,
      onStart: (steps) => bar = progress({ title: settings.loss, ...steps }),
      onStep: ({ step, ...metrics }) => bar?.update(step, metrics),
      stop,
    });
    bar?.finish();
    say(
      record
        ? `Wrote ${flags.out}`
        : `Stopped; go on with the same command and --resume`,
    );
  },
);

function settingsOf(
  flags: FlagValues<typeof FLAGS>,
  options: TrainSettings["options"],
): TrainSettings {
  return {
    model: flags.model,
    data: flags.data,
    evalData: flags.evalData ?? null,
    loss: flags.loss,
    options,
    tuning: tuningOf(flags),
    epochs: flags.epochs,
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
    order: flags.order,
    maxLength: flags.maxLength ?? null,
    maxPromptLength: flags.maxPromptLength ?? null,
    truncate: flags.truncate,
    device: flags.device,
    precision: flags.precision,
    threads: flags.threads ?? navigator.hardwareConcurrency,
    evalEvery: flags.evalEvery,
    saveEvery: flags.saveEvery,
  };
}

function tuningOf(flags: FlagValues<typeof FLAGS>): TuningSettings {
  const { full, initAdapter, loraRank, loraAlpha, loraTargets } = flags;
  if (full && initAdapter) {
    throw new Error(
      "Cannot use --full with --init-adapter: an adapter is trained, or every parameter",
    );
  }
  if (full) return { kind: "full" };
  if (initAdapter) return { kind: "adapter", adapter: initAdapter };
  const targets = loraTargets === "all-linear"
    ? loraTargets
    : loraTargets.split(",");
  return { kind: "lora", rank: loraRank, alpha: loraAlpha, targets };
}
