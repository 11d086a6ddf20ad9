import { cacheFolder } from "../files/cache_folder.ts";
import { readCheckpoint, writeCheckpoint } from "../train/checkpoints.ts";
import { type Diagnostics, Probe } from "../train/diagnostics.ts";
import type { ChosenLoss } from "../loss_tools/choose.ts";
import { lossReads } from "../losses/requirements.ts";
import { engine } from "../onnx/session.ts";
import { Clock, type RunRecord, writeRecord } from "../record/record.ts";
import { metricsWriter, readMetrics } from "../record/metrics.ts";
import { cachedReference, type Reference } from "../train/reference.ts";
import { rowsToReference, type StepMetrics, train } from "../train/loop.ts";
import type { Snapshot } from "../train/trained_parameters.ts";
import { Trainer } from "../train/trainer.ts";
import type { InputHooks } from "./inputs.ts";
import { TrainingFolder } from "./folder.ts";
import { type PreparedRun, prepareRun } from "./plan.ts";
import { trainingRecord } from "./record.ts";
import type { TrainSettings } from "./settings.ts";

/** What a run tells while it goes on, and asks. */
export interface RunHooks extends InputHooks {
  /** Before anything is computed. */
  onPrepared?: (run: PreparedRun) => void;
  /** Rows scored under the reference; never where the cache has them. */
  onReference?: (done: number, total: number) => void;
  /** Before the first step, and after each. */
  onStep?: (step: number, metrics?: StepMetrics) => void;
  /** After the last step. */
  onDiagnostics?: (diagnostics: Diagnostics) => void;
  /** Asked after each step. */
  stop?: { readonly requested: boolean };
}

export interface RunOptions extends RunHooks {
  /** Folder that the run writes. */
  out: string;
  /** Goes on from the last checkpoint in `out`. @default false */
  resume?: boolean;
  /** The settings' loss. @default as `chooseLoss()` chooses it */
  chosen?: ChosenLoss | undefined;
}

/**
 * One training run from its settings: what `train` does, and `reproduce`.
 *
 * @returns the record; null if the run was stopped, which left a checkpoint.
 * @throws Error if settings, model or data are wrong, or the first step fails:
 * then nothing was written.
 */
export async function trainingRun(
  settings: TrainSettings,
  { out, resume = false, chosen, ...hooks }: RunOptions,
): Promise<RunRecord | null> {
  const clock = new Clock();
  await using folder = await TrainingFolder.open(out, { resume });
  const run = await prepareRun(settings, { chosen, ...hooks });
  const start = resume
    ? await readCheckpoint(folder.checkpoints, run.identity)
    : null;
  hooks.onPrepared?.(run);
  clock.lap("load");
  const trainer = await createTrainer(run);
  let diagnostics: Diagnostics | null;
  try {
    clock.lap("compile");
    const reference = await referenceFor(run, trainer, hooks);
    clock.lap("reference");
    const probe = await Probe.create(trainer, run.plan, reference);
    clock.lap("probe");
    const options = { folder, reference, probe, start, ...hooks };
    diagnostics = await takeSteps(run, trainer, options);
    clock.lap("train");
    if (!diagnostics) return null;
    await folder.writeResult(trainer, run.inputs);
    clock.lap("save");
  } finally {
    await trainer.release();
  }
  hooks.onDiagnostics?.(diagnostics);
  const record = await trainingRecord(run, {
    last: readMetrics(folder.metrics).at(-1)!,
    diagnostics,
    timings: clock.timings(),
    artifacts: await folder.hashes(),
  });
  await writeRecord(out, record);
  return record;
}

async function createTrainer(
  { inputs, settings }: PreparedRun,
): Promise<Trainer> {
  const { device, threads, microTokens } = settings;
  return await Trainer.create({
    policy: inputs.model.policy,
    loss: inputs.loss,
    settings: inputs.options,
    device,
    threads,
    microTokens,
  });
}

async function referenceFor(
  { inputs, plan, settings, identity }: PreparedRun,
  trainer: Trainer,
  { onReference }: RunHooks,
): Promise<Reference | null> {
  const { loss, model } = inputs;
  const rows = rowsToReference(plan, loss);
  if (rows.length === 0) return null;
  const { device, precision, threads, microTokens } = settings;
  return await cachedReference(
    rows,
    (rows) => {
      onReference?.(0, rows.length);
      return trainer.scoreReference(rows, {
        onRows: (done) => onReference?.(done, rows.length),
      });
    },
    {
      folder: await cacheFolder("reference"),
      // Whatever may move the last digit counts, as runs shall repeat.
      identity: {
        weights: identity["model"]!,
        adapter: model.adapterHash,
        graph: await trainer.scorer.hash(),
        tokens: lossReads(loss, inputs.options).tokenReference,
        engine: engine().version,
        device,
        precision,
        threads,
        microTokens,
      },
    },
  );
}

interface StepsOptions extends RunHooks {
  folder: TrainingFolder;
  reference: Reference | null;
  probe: Probe;
  /** Where to go on, `null` for the beginning. */
  start: Snapshot | null;
}

/** Takes the steps that are left; returns what came of them, if none is left. */
async function takeSteps(
  { plan, identity, settings: { saveEvery } }: PreparedRun,
  trainer: Trainer,
  { folder, reference, probe, start, onStep, stop }: StepsOptions,
): Promise<Diagnostics | null> {
  const { checkpoints, metrics: path } = folder;
  if (start) await trainer.restore(start);
  onStep?.(trainer.step);
  let append: ReturnType<typeof metricsWriter> | undefined;
  const save = async () =>
    await writeCheckpoint(checkpoints, await trainer.save(), identity);
  const isFinished = await train(trainer, plan, {
    reference,
    stop,
    measure: () => probe.metrics(),
    onStep: async (metrics) => {
      append ??= metricsWriter(path, { keepThrough: start?.step ?? 0 });
      append(metrics);
      onStep?.(metrics.step, metrics);
      if (saveEvery > 0 && metrics.step % saveEvery === 0) await save();
    },
  });
  if (isFinished) return await probe.diagnostics();
  await save();
  return null;
}
