import { join } from "node:path";
import {
  type Identity,
  readCheckpoint,
  writeCheckpoint,
} from "lib/checkpoints.ts";
import { planBatches } from "lib/data/sampler.ts";
import type { FileProgress } from "lib/hub.ts";
import { writeAdapter } from "lib/models/adapter.ts";
import { parameterNames } from "lib/models/config.ts";
import { adapterOf } from "lib/models/load_policy.ts";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { resolveDevice } from "lib/onnx/devices.ts";
import { portablePath, type RunRecord, writeRecord } from "lib/record.ts";
import { environment, peakMemory, provenance } from "lib/record/environment.ts";
import { metricsWriter } from "lib/record/metrics.ts";
import { sha256File } from "lib/record/sha256.ts";
import { cachedReference, referenceCache } from "lib/reference_cache.ts";
import { Rng } from "lib/rng.ts";
import {
  rowsToReference,
  type StepMetrics,
  train,
  type TrainingPlan,
} from "lib/train.ts";
import { Trainer } from "lib/trainer.ts";
import { loadInputs, type TrainingInputs } from "./training_inputs.ts";
import type { TrainSettings } from "./training_settings.ts";

export interface RunOptions {
  /** Folder that the run writes. */
  out: string;
  /** Goes on from the last checkpoint in `out`. @default false */
  resume?: boolean;
  onFile?: (progress: FileProgress) => void;
  /** What is going on, in a few words. */
  onPhase?: (phase: string) => void;
  /** Before the first step. */
  onStart?: (steps: { done: number; total: number }) => void;
  onStep?: (metrics: StepMetrics) => void;
  stop?: { readonly requested: boolean };
}

/**
 * One training run from its settings: what `train` does, and `reproduce`.
 *
 * @returns the record; null if the run was stopped, which left a checkpoint.
 * @throws Error with nothing written, if settings, model or data are wrong.
 */
export async function trainingRun(
  settings: TrainSettings,
  options: RunOptions,
): Promise<RunRecord | null> {
  const clock = new Clock();
  const { out, resume = false, onPhase = () => {} } = options;
  onPhase("reading model and data");
  const device = await resolveDevice(settings.device);
  const inputs = await loadInputs(settings, options.onFile ?? (() => {}));
  const plan = planOf(settings, inputs);
  const identity = await identityOf(settings, inputs, device);
  await prepareFolder(out, resume);
  clock.lap("load");
  onPhase("compiling the training step");
  const trainer = await Trainer.create({
    policy: inputs.model.policy,
    loss: inputs.loss,
    settings: inputs.settings,
    device,
    threads: settings.threads,
    microTokens: settings.microTokens,
  });
  clock.lap("compile");
  try {
    onPhase("scoring under the reference");
    const reference = await referenceFor(plan, trainer, identity);
    clock.lap("reference");
    const checkpoints = join(out, "checkpoints");
    if (resume) {
      await trainer.restore(await readCheckpoint(checkpoints, identity));
    }
    options.onStart?.({ done: trainer.step, total: plan.batches.length });
    const append = metricsWriter(join(out, "metrics.jsonl"), {
      keepThrough: trainer.step,
    });
    let last: StepMetrics = { step: trainer.step };
    const save = async () =>
      await writeCheckpoint(checkpoints, await trainer.save(), identity);
    const isFinished = await train(trainer, plan, {
      reference,
      ...(options.stop ? { stop: options.stop } : {}),
      onStep: async (metrics) => {
        append(metrics);
        last = metrics;
        options.onStep?.(metrics);
        const { saveEvery } = settings;
        if (saveEvery > 0 && metrics.step % saveEvery === 0) await save();
      },
    });
    clock.lap("train");
    if (!isFinished) {
      await save();
      return null;
    }
    onPhase("writing the result");
    const artifacts = await writeResult(out, trainer, inputs);
    clock.lap("save");
    const record = await recordOf({
      settings,
      inputs,
      device,
      identity,
      artifacts,
      clock,
      last,
      out,
    });
    await writeRecord(out, record);
    return record;
  } finally {
    await trainer.release();
  }
}

function planOf(
  settings: TrainSettings,
  { train, evaluation, loss, settings: options }: TrainingInputs,
): TrainingPlan {
  const orders = new Rng(settings.seed).split("order");
  return {
    examples: train.examples,
    batches: planBatches(train.examples.length, {
      size: settings.batch,
      minimum: loss.minimumBatch ?? 1,
      order: settings.order,
      epochs: settings.epochs,
      steps: settings.steps ?? undefined,
      shuffle: (epoch, order) =>
        orders.split(`epoch ${epoch}`).shuffle([...order]),
    }),
    evalExamples: evaluation?.examples ?? [],
    evalEvery: settings.evalEvery,
    evalBatch: settings.batch,
    settings: options,
    learningRate: settings.learningRate,
    schedule: settings.schedule,
    warmup: settings.warmup,
    weightDecay: settings.weightDecay,
    maxGradNorm: settings.maxGradNorm,
  };
}

/** What makes two runs the same: settings, weights, data, arithmetic. */
async function identityOf(
  settings: TrainSettings,
  { model, train, evaluation, settings: options }: TrainingInputs,
  device: string,
): Promise<Identity> {
  const { evalEvery: _e, saveEvery: _s, ...decisive } = settings;
  return {
    ...decisive,
    options,
    device,
    weights: await model.weights.hash(),
    adapter: model.adapterHash,
    trainData: train.description.sha256,
    evalData: evaluation?.description.sha256 ?? null,
  };
}

async function referenceFor(
  plan: TrainingPlan,
  trainer: Trainer,
  { weights, adapter, device, threads, microTokens, precision }: Identity,
) {
  const rows = rowsToReference(plan, trainer.options.loss);
  if (rows.length === 0) return null;
  // Threads and micro-batches may move the last digit, and runs shall repeat.
  const { reference } = await cachedReference(
    rows,
    (rows) => trainer.score(rows),
    {
      folder: referenceCache(),
      identity: {
        weights: weights!,
        adapter: adapter!,
        device: device!,
        threads: threads!,
        microTokens: microTokens!,
        precision: precision!,
      },
    },
  );
  return reference;
}

/** A new folder, or one that holds a run to go on with. */
async function prepareFolder(out: string, resume: boolean): Promise<void> {
  const isThere = await exists(join(out, "metrics.jsonl"));
  if (isThere && !resume) {
    throw new Error(
      `Cannot write a run to ${out}: it holds one; give --resume or another --out`,
    );
  }
  try {
    await Deno.mkdir(out, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: out }));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`Cannot write to ${out}: ${reason}`, { cause });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** Writes the trained adapter or model; returns its files' hashes. */
async function writeResult(
  out: string,
  trainer: Trainer,
  { model, folder, modelName }: TrainingInputs,
): Promise<Record<string, string>> {
  const { tensors } = await trainer.save();
  const values = tensors.get("parameter")!;
  if (model.lora) {
    const adapter = adapterOf(model.lora, values);
    await writeAdapter(join(out, "adapter"), adapter, { baseModel: modelName });
    return await hashes(out, ["adapter/adapter_model.safetensors"]);
  }
  await writeModelFolder(join(out, "model"), {
    from: folder,
    tensors: model.policy.trained.map(({ name, shape }) => ({
      name,
      shape,
      data: values.get(name)!,
    })),
  });
  return await hashes(out, ["model/model.safetensors"]);
}

async function hashes(
  folder: string,
  files: readonly string[],
): Promise<Record<string, string>> {
  const pairs = files.map(async (file) =>
    [file, await sha256File(join(folder, file))] as const
  );
  return Object.fromEntries(await Promise.all(pairs));
}

interface Outcome {
  readonly settings: TrainSettings;
  readonly inputs: TrainingInputs;
  readonly device: string;
  readonly identity: Identity;
  readonly artifacts: Record<string, string>;
  readonly clock: Clock;
  readonly last: StepMetrics;
  readonly out: string;
}

async function recordOf(
  { settings, inputs, device, identity, artifacts, clock, last }: Outcome,
): Promise<RunRecord> {
  const { loss, settings: options, model, modelName, tokenizer } = inputs;
  const { seconds: _seconds, ...summary } = last;
  const count = (shapes: readonly { shape: readonly number[] }[]) =>
    shapes.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
  const trainable = count(model.policy.trained);
  const base = count(parameterNames(model.policy.config));
  return {
    schemaVersion: 1,
    kind: "train",
    name: `${loss.id}-seed${settings.seed}`,
    settings: portable(settings, inputs),
    objective: {
      loss: loss.id,
      formula: loss.formula,
      reduction: "mean over the examples of the optimizer batch",
      nll: "nllOver" in options
        ? `${options["nllOver"]} tokens, mean by ${options["nllReduction"]}`
        : null,
      kl: loss.data === "labels" ? loss.statistics.formula : null,
      reference: referenceName(inputs),
    },
    seeds: { run: settings.seed },
    provenance: await provenance(),
    data: [inputs.train, inputs.evaluation].flatMap((data) =>
      data ? [data.description] : []
    ),
    model: {
      source: modelName,
      weights: String(identity["weights"]),
      adapter: model.adapterHash,
      tokenizer: tokenizer?.hash ?? null,
      chatTemplate: null,
      parameters: { total: base + (model.lora ? trainable : 0), trainable },
    },
    environment: environment({
      device,
      precision: settings.precision,
      threads: settings.threads,
    }),
    timings: clock.timings(),
    peakMemoryBytes: peakMemory(),
    summary,
    artifacts,
  };
}

/** Settings as a record may publish them: without paths of this machine. */
function portable(
  settings: TrainSettings,
  { modelName, train, evaluation, settings: options }: TrainingInputs,
): RunRecord["settings"] {
  const { tuning } = settings;
  return {
    ...settings,
    options,
    model: modelName,
    data: train.description.source,
    evalData: evaluation?.description.source ?? null,
    tuning: tuning.kind === "adapter"
      ? { ...tuning, adapter: portablePath(tuning.adapter) }
      : tuning,
  };
}

function referenceName(
  { loss, settings, model }: TrainingInputs,
): string | null {
  if (!loss.usesReference(settings)) return null;
  return model.adapterHash
    ? "the model with the initial adapter"
    : "the model as loaded";
}

/** Seconds by phase. */
class Clock {
  readonly #startedAt = new Date().toISOString();
  readonly #start = performance.now();
  readonly #phases: Record<string, number> = {};
  #last = this.#start;

  lap(phase: string): void {
    const now = performance.now();
    this.#phases[phase] = (now - this.#last) / 1000;
    this.#last = now;
  }

  timings(): RunRecord["timings"] {
    return {
      startedAt: this.#startedAt,
      seconds: (performance.now() - this.#start) / 1000,
      phases: this.#phases,
    };
  }
}
