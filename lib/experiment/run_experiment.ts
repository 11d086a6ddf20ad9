import { reasonOf } from "../files/values.ts";
import { resolveDevice } from "../onnx/devices.ts";
import type { Figure } from "../plot/figure.ts";
import { provenance } from "../record/environment.ts";
import { Clock, type RecordedRun, type RunRecord } from "../record/record.ts";
import type {
  ExperimentDefinition,
  ExperimentJobs,
  ExperimentOptions,
  ExperimentResults,
  Watch,
} from "./definition.ts";
import {
  type GridPoint,
  gridPoints,
  type GridSettings,
  runName,
} from "./grid.ts";
import { identityOf } from "./identity.ts";
import type { Worker } from "./jobs.ts";
import {
  type Outcome,
  readRuns,
  recordRun,
  REFERENCE,
  type RunContext,
  storedSettings,
  writeRun,
} from "./records.ts";
import { type Files, resultFiles, writeResultFiles } from "./result_files.ts";
import { ResultsFolder } from "./results_folder.ts";
import { collectRuns } from "./summary.ts";
import { mapWithWorkers, untilAborted, withWorkers } from "./workers.ts";

/**
 * Runs an experiment. Each run is kept as soon as it is finished; the results
 * appear once all of them exist, so that old and new ones never mix.
 *
 * @throws Error where `out` cannot be written or holds other results.
 */
export async function runExperiment<S extends GridSettings, Shared, Data, Out>(
  definition: ExperimentDefinition<S, Shared, Data, Out>,
  { out, replace = false, ...options }: ExperimentOptions,
): Promise<ExperimentResults> {
  const clock = new Clock();
  const { quick, seeds, device } = options;
  const { name: experiment, jobs: { url } } = definition;
  const settings = withSeeds(
    quick ? definition.settings.quick : definition.settings.full,
    seeds,
  );
  const context = { experiment, settings, device };
  const identity = await identityOf({ ...context, url });
  await using folder = await ResultsFolder.open(out, { identity, replace });
  if (folder.isFinished) {
    const all = await readRuns(folder.target);
    return { figure: drawn(definition, all).figure, phases: {} };
  }
  const own = { ...context, provenance: await provenance() };
  await runMissing(definition, own, { ...options, folder, clock });
  options.signal?.throwIfAborted();
  const figure = await rebuild(definition, folder.path);
  await folder.publish();
  clock.lap("summary and figure");
  return { figure, phases: clock.timings().phases };
}

/** Runs everything that a folder lacks. */
async function runMissing<S extends GridSettings, Shared, Data, Out>(
  definition: ExperimentDefinition<S, Shared, Data, Out>,
  context: RunContext<S>,
  { folder, clock, jobs: count, watch, signal }:
    & Pick<ExperimentOptions, "jobs" | "watch" | "signal">
    & { folder: ResultsFolder; clock: Clock },
): Promise<void> {
  const { settings, device } = context;
  const points = gridPoints(settings);
  const finished = await folder.finishedRuns(
    [REFERENCE, ...points.map(runName)],
  );
  const missing = points.filter((point) => !finished.has(runName(point)));
  if (missing.length === 0 && finished.has(REFERENCE)) return;
  const shared = await untilAborted(
    folder.kept(
      "shared",
      () => definition.prepare(settings, { device, watch }),
    ),
    signal,
  );
  clock.lap("preparation");
  const setup = { settings, shared, device };
  const shares = { module: definition.jobs, setup, device, count, signal };
  await withWorkers(shares, async (workers) => {
    const onOutcome = (point: GridPoint | null, outcome: Outcome) =>
      writeRun(folder.path, recordRun(point, outcome, context));
    const data = await prepareSeeds(workers, {
      seeds: [...new Set(missing.map(({ seed }) => seed))],
      ...{ watch, measures: !finished.has(REFERENCE), onOutcome },
      keep: (name, make) => folder.kept(name, make),
    });
    clock.lap("data of seeds");
    const done = points.length - missing.length;
    await runPoints(workers, { points: missing, data, done, watch, onOutcome });
  });
  clock.lap("runs");
}

/** Writes summary, figure, page and tables from the records. */
export async function rebuild<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  folder: string,
): Promise<Figure> {
  const { summary, figure } = drawn(definition, await readRuns(folder));
  await writeResultFiles(folder, summary, figure);
  return figure;
}

/** The files that follow from the records in a folder, as they should be. */
export async function filesOf<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  folder: string,
): Promise<Files> {
  const { summary, figure } = drawn(definition, await readRuns(folder));
  return resultFiles(summary, figure);
}

function drawn<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  runs: readonly RecordedRun[],
): { summary: Summary; figure: Figure } {
  const { schema } = definition.settings;
  const summary = definition.summarize(collectRuns(runs, schema));
  return { summary, figure: definition.figure(summary) };
}

/**
 * Repeats the run that a record describes, or the measurement of the model that
 * all runs start from.
 *
 * @throws Error for a record that is not of the experiment's settings.
 */
export async function reproduce<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  record: RunRecord,
  { watch }: { watch: Watch },
): Promise<RecordedRun> {
  const { name: experiment } = definition;
  const { settings, point } = storedSettings(
    record,
    definition.settings.schema,
  );
  if (point === null && record.name !== REFERENCE) {
    throw new Error(`Cannot reproduce ${record.name}: its record has no run`);
  }
  const device = await resolveDevice(record.environment.device);
  const shared = await definition.prepare(settings, { device, watch });
  const setup = { settings, shared, device };
  const { jobs, release } = await definition.jobs.createJobs(setup);
  try {
    const outcome = point === null
      ? await jobs.reference(null)
      : await jobs.run({ point, data: await jobs.prepare(point.seed) });
    if (outcome === null) {
      throw new Error(
        `Cannot reproduce ${record.name}: the experiment "${experiment}" no longer measures it`,
      );
    }
    return recordRun(point, outcome, {
      ...{ experiment, settings, device },
      provenance: await provenance(),
    });
  } finally {
    await release();
  }
}

/** Called with each result, and the run that it is of; null for the reference. */
type OnOutcome = (point: GridPoint | null, outcome: Outcome) => Promise<void>;

/**
 * Prepares the data of each seed and, if `measures`, measures the model that all
 * runs start from.
 */
export async function prepareSeeds<Data>(
  workers: readonly Worker<ExperimentJobs<Data>>[],
  { seeds, measures, watch, onOutcome, keep = (_, make) => make() }: {
    seeds: readonly number[];
    measures: boolean;
    watch: Watch;
    onOutcome: OnOutcome;
    /** Gives the data that an earlier process made, or makes it. */
    keep?: (name: string, make: () => Promise<Data>) => Promise<Data>;
  },
): Promise<ReadonlyMap<number, Data>> {
  const inputs = [...measures ? [null] : [], ...seeds];
  const shown = watch({ title: "data of seeds", total: inputs.length });
  let done = 0;
  const data = new Map<number, Data>();
  await mapWithWorkers({ workers, inputs }, async (worker, seed) => {
    if (seed === null) {
      const outcome = await worker.run("reference", null);
      if (outcome) await onOutcome(null, outcome);
    } else {
      const make = () => worker.run("prepare", seed);
      data.set(seed, await keep(`seed${seed}`, make));
    }
    shown.update(++done);
  });
  shown.finish();
  return data;
}

/** Shares runs among workers, neighbours first: those of one loss share graphs. */
export async function runPoints<Data>(
  workers: readonly Worker<ExperimentJobs<Data>>[],
  { points, data, done = 0, watch, onOutcome }: {
    points: readonly GridPoint[];
    data: ReadonlyMap<number, Data>;
    /** Number of runs that were finished before. */
    done?: number;
    watch: Watch;
    onOutcome: OnOutcome;
  },
): Promise<void> {
  const shown = watch({ title: "runs", total: done + points.length, done });
  await mapWithWorkers({ workers, inputs: points }, async (worker, point) => {
    const own = { point, data: data.get(point.seed)! };
    const outcome = await worker.run("run", own).catch((cause) => {
      throw new Error(`Cannot finish ${runName(point)}: ${reasonOf(cause)}`, {
        cause,
      });
    });
    await onOutcome(point, outcome);
    shown.update(++done);
  });
  shown.finish();
}

function withSeeds<S extends GridSettings>(settings: S, count: number | null) {
  if (count === null) return settings;
  return { ...settings, seeds: Array.from({ length: count }, (_, i) => i + 1) };
}
