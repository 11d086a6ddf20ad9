import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { resolveDevice } from "../onnx/devices.ts";
import { writeFigure } from "../plot/figure_page.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { provenance } from "../record/environment.ts";
import { Clock, type RecordedRun, type RunRecord } from "../record/record.ts";
import type {
  ExperimentDefinition,
  ExperimentJobs,
  ExperimentOptions,
  Watch,
} from "./definition.ts";
import { type GridPoint, gridPoints, type GridSettings } from "./grid.ts";
import type { Worker } from "./jobs.ts";
import {
  type Outcome,
  readRuns,
  recordRun,
  REFERENCE,
  storedSettings,
  writeRun,
} from "./records.ts";
import { ResultsFolder } from "./results_folder.ts";
import { collectRuns } from "./summary.ts";
import { mapWithWorkers, withWorkers } from "./workers.ts";

/**
 * Runs an experiment. Its results appear once all of them exist, so that old
 * and new ones never mix.
 *
 * @returns seconds by phase.
 */
export async function runExperiment<S extends GridSettings, Shared, Data, Out>(
  definition: ExperimentDefinition<S, Shared, Data, Out>,
  { out, quick, seeds, device, jobs: count, watch }: ExperimentOptions,
): Promise<Readonly<Record<string, number>>> {
  const clock = new Clock();
  const { name: experiment, jobs: module } = definition;
  const settings = withSeeds(
    quick ? definition.settings.quick : definition.settings.full,
    seeds,
  );
  await using folder = await ResultsFolder.create(out);
  const context = {
    ...{ experiment, settings, device },
    provenance: await provenance(),
  };
  const shared = await definition.prepare(settings, { device, watch });
  clock.lap("preparation");
  const setup = { settings, shared, device };
  await withWorkers({ module, setup, device, count }, async (workers) => {
    const write = (point: GridPoint | null, outcome: Outcome) =>
      writeRun(folder.path, recordRun(point, outcome, context));
    const { reference, data } = await prepareSeeds(workers, {
      seeds: settings.seeds,
      watch,
    });
    if (reference) await write(null, reference);
    clock.lap("data of seeds");
    await runPoints(workers, {
      points: gridPoints(settings),
      ...{ data, watch, onOutcome: write },
    });
  });
  clock.lap("runs");
  await rebuild(definition, folder.path);
  await folder.publish();
  clock.lap("summary and figure");
  return clock.timings().phases;
}

/** Writes `summary.json`, `figure.json` and `figure.html` from the records. */
export async function rebuild<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  folder: string,
): Promise<void> {
  const all = await readRuns(folder);
  const summary = definition.summarize(
    collectRuns(all, definition.settings.schema),
  );
  const json = `${canonicalJson(summary, { indent: 1 })}\n`;
  await writeTextAtomically(join(folder, "summary.json"), json);
  await writeFigure(folder, definition.figure(summary));
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

/** Measures the model that all runs start from; prepares the data of each seed. */
export async function prepareSeeds<Data>(
  workers: readonly Worker<ExperimentJobs<Data>>[],
  { seeds, watch }: { seeds: readonly number[]; watch: Watch },
): Promise<{ reference: Outcome | null; data: ReadonlyMap<number, Data> }> {
  const shown = watch({ title: "data of seeds", total: seeds.length + 1 });
  let done = 0;
  let reference: Outcome | null = null;
  const data = new Map<number, Data>();
  await mapWithWorkers(
    { workers, inputs: [null, ...seeds] },
    async (worker, seed) => {
      if (seed === null) reference = await worker.run("reference", null);
      else data.set(seed, await worker.run("prepare", seed));
      shown.update(++done);
    },
  );
  shown.finish();
  return { reference, data };
}

/** Shares runs among workers, neighbours first: those of one loss share graphs. */
export async function runPoints<Data>(
  workers: readonly Worker<ExperimentJobs<Data>>[],
  { points, data, watch, onOutcome }: {
    points: readonly GridPoint[];
    data: ReadonlyMap<number, Data>;
    watch: Watch;
    onOutcome: (point: GridPoint, outcome: Outcome) => Promise<void>;
  },
): Promise<void> {
  const shown = watch({ title: "runs", total: points.length });
  let done = 0;
  await mapWithWorkers({ workers, inputs: points }, async (worker, point) => {
    const own = { point, data: data.get(point.seed)! };
    await onOutcome(point, await worker.run("run", own));
    shown.update(++done);
  });
  shown.finish();
}

function withSeeds<S extends GridSettings>(settings: S, count: number | null) {
  if (count === null) return settings;
  return { ...settings, seeds: Array.from({ length: count }, (_, i) => i + 1) };
}
