import type { GenericSchema } from "valibot";
import type { RecordedRun } from "../record/record.ts";
import { type Interval, meanInterval } from "../stats/interval.ts";
import {
  type GridPoint,
  gridPoints,
  type GridSettings,
  runName,
  settingPoints,
} from "./grid.ts";
import { REFERENCE, storedSettings } from "./records.ts";

/** All runs of an experiment. */
export interface ExperimentRuns<S> {
  /** Settings of the experiment. */
  readonly settings: S;
  /** The model that all runs start from, if it has a record. */
  readonly reference: RecordedRun | null;
  /** The runs by method and value. */
  readonly bySetting: readonly SettingRuns[];
}

/** A method at one of its values, and its run with each seed. */
export interface SettingRuns {
  /** The method and the value. */
  readonly setting: Omit<GridPoint, "seed">;
  /** Seed of each run. */
  readonly seeds: readonly number[];
  /** In the order of the seeds. */
  readonly runs: readonly RecordedRun[];
}

/** Means over seeds with 95 % intervals, by the name of the measure. */
export type Intervals = Readonly<Record<string, Interval>>;

/** A method at one of its values, over seeds. */
export interface SettingSummary extends Omit<GridPoint, "seed"> {
  readonly seeds: readonly number[];
  /** Measures after each evaluated step. */
  readonly trajectory: readonly { step: number; measures: Intervals }[];
}

/**
 * Groups the runs of an experiment.
 *
 * @param schema of the settings of the experiment.
 * @throws Error where runs are missing or do not belong together.
 */
export function collectRuns<S extends GridSettings>(
  all: readonly RecordedRun[],
  schema: GenericSchema<S>,
): ExperimentRuns<S> {
  const byName = new Map(all.map((run) => [run.record.name, run]));
  const reference = byName.get(REFERENCE) ?? null;
  const [first] = all;
  if (!first) throw new Error("Cannot summarize: there are no records");
  const { settings } = storedSettings((reference ?? first).record, schema);
  const points = gridPoints(settings);
  const runs = points.map((point) => {
    const run = byName.get(runName(point));
    if (run) return checkOrigin(run, reference);
    throw new Error(`Cannot summarize: the run "${runName(point)}" is missing`);
  });
  const { methods, seeds } = settings;
  const bySetting = settingPoints(methods).map((setting, i) => ({
    setting,
    seeds,
    runs: runs.slice(i * seeds.length, (i + 1) * seeds.length),
  }));
  return { settings, reference, bySetting };
}

/** Summarizes the runs of one setting over their seeds. */
export function summarizeSetting(
  { setting, seeds, runs }: SettingRuns,
): SettingSummary {
  const steps = runs[0]!.rows.map(({ step }) => step);
  return {
    ...setting,
    seeds,
    trajectory: steps.map((step, i) => ({
      step,
      measures: intervalsOf(runs.map(({ rows }) => rows[i]!)),
    })),
  };
}

/** Intervals of the measures that all rows have. */
function intervalsOf(
  rows: readonly Readonly<Record<string, number | null>>[],
): Intervals {
  const intervals: Record<string, Interval> = {};
  for (const name of Object.keys(rows[0]!)) {
    const values = rows.flatMap((row) => row[name] ?? []);
    if (name === "step" || values.length < rows.length) continue;
    intervals[name] = meanInterval(values);
  }
  return intervals;
}

function checkOrigin(
  run: RecordedRun,
  reference: RecordedRun | null,
): RecordedRun {
  const weights = reference?.record.summary["weights"];
  const { name, model } = run.record;
  if (weights === undefined || model.weights === weights) return run;
  throw new Error(
    `Cannot summarize: ${name} started from other weights than those of the record "${REFERENCE}"`,
  );
}
