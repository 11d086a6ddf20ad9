import {
  ALONE,
  fromFirst,
  type Group,
  onAnyRank,
} from "../distributed/group.ts";
import { countParameters } from "../models/parameters.ts";
import { type MetricsRow, readMetrics } from "../record/metrics.ts";
import {
  Clock,
  type RecordedRun,
  type RunRecord,
  writeRecord,
} from "../record/record.ts";
import {
  type CheckpointOptions,
  readCheckpoint,
} from "../train/checkpoints.ts";
import { nullIfStopped } from "../train/stop.ts";
import type { Snapshot } from "../train/trained_parameters.ts";
import type { Trainer } from "../train/trainer.ts";
import type { TrainerOptions } from "../train/trainer_options.ts";
import { checkpointsIn, resultStore, RunFolder } from "./folder.ts";
import type { InputsInMemory } from "./inputs.ts";
import { type Measuring, probed } from "./measures.ts";
import { leastMemory, requireMemory } from "./memory.ts";
import {
  type FittedMemory,
  fittingEstimate,
  requireStepMemory,
  roomOn,
} from "./memory_estimate.ts";
import type { InputHooks } from "./models.ts";
import { type PreparedRun, prepareRun, usualIdentity } from "./plan.ts";
import { assertSameRun, parameterCounts, recordOf } from "./record.ts";
import { withDeviceSums } from "./device_sums.ts";
import { referenceFor } from "./run_reference.ts";
import { runningOf } from "./running.ts";
import { assertSameOnRanks, assertSameRunOnRanks } from "./same_on_ranks.ts";
import type { GivenSettings } from "./settings.ts";
import { type StepHooks, type StepsOptions, takeSteps } from "./steps.ts";
import { trainerOptions, Trainers } from "./trainers.ts";

/** Progress of a run, and its interruption. */
export interface RunHooks extends InputHooks, StepHooks {
  /**
   * Called before anything is computed, with the memory that the run will take
   * where that is estimated: for models that are not in memory already.
   *
   * @internal
   */
  onPrepared?: (run: PreparedRun, memory: FittedMemory | null) => void;
  /** Rows scored under the reference; not called where the cache has them. */
  onReference?: (done: number, total: number) => void;
  /** Called after the last step, while the trainer has its result. */
  onTrained?: (trainer: Trainer) => void | Promise<void>;
}

/** Options of {@linkcode run}. */
export interface RunOptions extends RunHooks {
  /** Folder that the run writes. @default none: record and lines are returned */
  out?: string;
  /**
   * Whether to go on with what `out` holds: from its last checkpoint, from the
   * beginning where there is none, or not at all where the run has ended.
   *
   * @default false
   */
  resume?: boolean;
  /**
   * Whether to end a run that was stopped: its last checkpoint becomes the
   * result. @default false
   */
  finish?: boolean;
  /** Inputs that are in memory, in place of those that settings name. */
  inputs?: InputsInMemory;
  /**
   * Measures beside the loss. @default a probe
   *
   * @internal
   */
  measuring?: Measuring;
  /**
   * Trainers that several runs of the process share. @default this run's own
   *
   * @internal
   */
  trainers?: Trainers;
  /** Folder of the reference's log-probabilities. @default the user's cache */
  cache?: string;
  /**
   * The processes that take the run's steps together. The first one alone
   * writes; all read models, data and checkpoints. @default this one alone
   */
  group?: Group;
}

/**
 * Runs one training: the one way in which a verb, an experiment or a
 * reproduction trains.
 *
 * @returns the record and the lines of metrics; null if the run was stopped,
 * which leaves a checkpoint in `out`.
 * @throws Error if settings, model or data are wrong, the model does not fit into
 * memory, or the first step fails; then nothing is written.
 */
export async function run(
  settings: GivenSettings,
  options: RunOptions = {},
): Promise<RecordedRun | null> {
  const clock = new Clock();
  const { inputs, group = ALONE, onNote } = options;
  using folder = await openFolder(options);
  const prepared = await prepareRun(settings, inputs, options);
  await assertSameRunOnRanks(group, prepared, options);
  const ended = await fromFirst(
    group,
    () => endedRun(folder, prepared, options),
  );
  if (ended) return ended;
  const { device } = prepared.settings;
  return await withDeviceSums(
    group,
    { device, onNote },
    (group) => compute(prepared, { ...options, group, folder, clock }),
  );
}

/** A prepared run from its compilation to its record; null if it was stopped. */
async function compute(
  prepared: PreparedRun,
  { group, folder, clock, ...options }:
    & RunOptions
    & Pick<StepsOptions, "folder" | "clock">
    & { group: Group },
): Promise<RecordedRun | null> {
  const { out, finish = false, inputs } = options;
  const wanted = { ...trainerOptions(prepared, inputs), group };
  const memory = await refuseTooLarge(prepared, wanted, options);
  const compiled = memory
    ? { ...wanted, recomputedLayers: memory.recomputedLayers }
    : wanted;
  folder?.tell(runningOf(prepared));
  const parameters = resultStore(prepared.inputs);
  const start = out === undefined
    ? null
    : await startIn(out, { ...prepared, parameters }, options);
  await assertSameOnRanks(group, { checkpoint: start?.step ?? null });
  options.onPrepared?.(prepared, memory);
  clock.lap("load");
  await using own = new Trainers();
  const trainer = await (options.trainers ?? own).get(compiled);
  await folder?.requireSpace(bytesWritten(trainer));
  clock.lap("compile");
  const steps = {
    ...{ folder, parameters, start, clock, ...options, finish },
    freesGraphs: freesGraphs(prepared, options),
  };
  const outcome = await trained(prepared, trainer, steps);
  if (!outcome) return null;
  // Its memory first: the record may need that of other weights.
  await own.release();
  const recording = { folder, clock, finish };
  return await fromFirst(group, () => recorded(prepared, outcome, recording));
}

/** The folder that a run writes; null for none, and on other ranks. */
async function openFolder(
  { out, resume = false, finish = false, group = ALONE }: RunOptions,
): Promise<RunFolder | null> {
  if (out === undefined || group.rank > 0) return null;
  return await RunFolder.open(out, { resume: resume || finish });
}

/** The run that a folder holds, where it has ended; null before. */
async function endedRun(
  folder: RunFolder | null,
  run: PreparedRun,
  { out, onNote }: RunOptions,
): Promise<RecordedRun | null> {
  const record = await folder?.record();
  if (!folder || !record) return null;
  assertSameRun(record, run, folder.path);
  onNote?.(`${out} holds this run, which has ended`);
  return { record, rows: readMetrics(folder.metrics) };
}

/**
 * Estimates the memory of a run whose model comes from a folder, with layers that
 * are computed again where it would not fit otherwise.
 *
 * @throws Error for one that the device's memory cannot hold.
 */
async function refuseTooLarge(
  { settings, plan, inputs: { model } }: PreparedRun,
  options: TrainerOptions & { group: Group },
  { measuring, trainers }: Pick<RunOptions, "measuring" | "trainers">,
): Promise<FittedMemory | null> {
  const { device } = settings;
  if (device === "cpu") {
    const least = leastMemory(parameterCounts(model), settings);
    requireMemory(least, { settings, what: "holds at least" });
  }
  if (!model.place) return null;
  const room = await roomOn(device, options.group);
  const isMeasured = measuring !== undefined || trainers !== undefined;
  const planned = { ...plan, isMeasured };
  const estimate = fittingEstimate(options, planned, { ...settings, room });
  const { recomputedLayers } = estimate;
  requireStepMemory(estimate, {
    options: { ...options, recomputedLayers },
    ...{ plan: planned, settings },
  });
  return estimate;
}

/**
 * Whether a run frees graphs that its next phase does not need: weights of a
 * folder are in memory once for each, and runs that share trainers need them.
 */
function freesGraphs(
  { inputs: { model } }: PreparedRun,
  { trainers }: Pick<RunOptions, "trainers">,
): boolean {
  return model.place !== null && trainers === undefined;
}

/** The lines of a run, and numbers of its summary. */
interface Outcome {
  readonly rows: readonly MetricsRow[];
  readonly measured: RunRecord["summary"];
}

/** Trains to the last step and writes the result; null if stopped before. */
async function trained(
  run: PreparedRun,
  trainer: Trainer,
  { measuring = probed, onTrained, ...options }:
    & RunOptions
    & Omit<StepsOptions, "reference" | "measures" | "end">,
): Promise<Outcome | null> {
  const { clock, folder, parameters } = options;
  const reference = await referenceFor(run, trainer, options)
    .catch(nullIfStopped);
  const { group } = trainer.options;
  if (await onAnyRank(group, options.stop?.requested === true)) return null;
  clock.lap("reference");
  const measures = await measuring(trainer, run.plan, reference);
  if (options.freesGraphs) await trainer.forward.release();
  clock.lap("measure");
  let measured: RunRecord["summary"] = {};
  const end = async () => {
    measured = await measures.summary?.() ?? {};
    await onTrained?.(trainer);
    clock.lap("train");
    if (folder) {
      const { tensors } = await trainer.view();
      await folder.writeResult(tensors.get("parameter")!, parameters);
    }
    clock.lap("save");
  };
  const steps = { ...options, reference, measures, end };
  const rows = await takeSteps(run, trainer, steps);
  return rows && { rows, measured };
}

async function recorded(
  run: PreparedRun,
  { rows, measured }: Outcome,
  { folder, clock, finish }: Pick<StepsOptions, "folder" | "clock" | "finish">,
): Promise<RecordedRun> {
  const record = await recordOf(run, {
    last: rows.at(-1)!,
    measured: { ...measured, ...finish && { endedEarly: true } },
    timings: clock.timings(),
    artifacts: await folder?.hashes() ?? {},
  });
  if (folder) await writeRecord(folder.path, record);
  return { record, rows };
}

/** The state to go on from in a folder; null for the beginning. */
async function startIn(
  out: string,
  saved: CheckpointOptions,
  { resume = false, finish = false, onNote }: RunOptions,
): Promise<Snapshot | null> {
  if (!resume && !finish) return null;
  const start = await readCheckpoint(checkpointsIn(out), {
    ...{ ...saved, usual: usualIdentity(saved.identity) },
    ...onNote && { onNote },
  });
  if (start || !finish) return start;
  throw new Error(
    `Cannot end the run in ${out}: expected a checkpoint, found none`,
  );
}

/** Bytes of the result and of two checkpoints, a newer one beside an older. */
function bytesWritten({ options: { policy, optimizer } }: Trainer): number {
  const bytes = 4 * countParameters(policy.trained);
  return bytes + 2 * bytes * (1 + optimizer.slots.length);
}
