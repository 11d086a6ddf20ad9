import * as v from "valibot";
import { canonicalJson } from "../record/canonical_json.ts";
import { checkJson } from "../record/check_json.ts";
import type { RecordedRun } from "../record/record.ts";
import { quantile } from "../stats/interval.ts";
import {
  type DataPoint,
  EXACT,
  GRID,
  type GridPoint,
  gridPoints,
  type GridSettings,
  type Level,
  type Method,
  referenceName,
  runName,
} from "./grid.ts";
import { storedSettings } from "./records.ts";

/** All runs of an experiment. */
export interface ExperimentRuns<S> {
  /** Settings of the experiment. */
  readonly settings: S;
  /** Numbers that need no run. */
  readonly exact: RecordedRun | null;
  /** The models that runs start from, by draw. */
  readonly references: ReadonlyMap<number, RecordedRun>;
  /** The runs by method and level. */
  readonly bySetting: readonly SettingRuns[];
}

/** A method at one level, and its runs. */
export interface SettingRuns {
  /** The loss, its options and its rate. */
  readonly method: Method;
  /** The treatment of the data. */
  readonly level: Level;
  /** Draw by draw, in the order of the seeds. */
  readonly runs: readonly SettingRun[];
}

/** One run of a setting. */
export interface SettingRun extends Omit<DataPoint, "level">, RecordedRun {}

/** A method at one level over draws and seeds. */
export interface SettingSummary extends Method {
  /** The treatment of the data. */
  readonly level: Level;
  /** Draw and seed of each run. */
  readonly runs: readonly Omit<DataPoint, "level">[];
  /**
   * Measures at the end of training, in the order of the runs; `null` where a
   * run has no finite value.
   */
  readonly ends: Readonly<Record<string, readonly (number | null)[]>>;
  /** Medians over the runs after each evaluated step. */
  readonly trajectory: readonly {
    readonly step: number;
    readonly medians: Readonly<Record<string, number>>;
  }[];
}

/** The settings of an experiment over draws and seeds, with numbers of its own. */
export interface GridSummary<Setting extends SettingSummary = SettingSummary>
  extends Pick<GridSettings, "draws" | "seeds"> {
  readonly settings: readonly Setting[];
}

/** The setting of a loss at a level, if it was run. */
export function findSetting<
  Setting extends Pick<SettingSummary, "loss" | "level">,
>(
  settings: readonly Setting[],
  loss: string,
  level: Level = {},
): Setting | undefined {
  const wanted = canonicalJson(level);
  return settings.find((each) =>
    each.loss === loss && canonicalJson(each.level) === wanted
  );
}

/**
 * Groups the runs of an experiment.
 *
 * @param grid the grid of the results, as `experiment.json` has it.
 * @param schema of the settings of the experiment.
 * @throws Error where runs are missing or do not belong together.
 */
export function collectRuns<S extends GridSettings>(
  all: readonly RecordedRun[],
  { grid, schema }: { grid: unknown; schema: v.GenericSchema<S> },
): ExperimentRuns<S> {
  const [first] = all;
  if (!first) throw new Error("Cannot summarize: there are no records");
  const found = checkJson(
    v.strictObject(GRID),
    grid,
    "Cannot summarize: the grid in experiment.json",
  );
  const { settings: world } = storedSettings(first.record, schema);
  const settings = { ...world, ...found };
  const byName = new Map(all.map((run) => [run.record.name, run]));
  const references = new Map(
    settings.draws.flatMap((draw) => {
      const reference = byName.get(referenceName(draw));
      return reference ? [[draw, reference] as const] : [];
    }),
  );
  const runs = gridPoints(settings).map((point): Run => {
    const run = byName.get(runName(point));
    if (run) {
      return { point, ...checkOrigin(run, references.get(point.draw)) };
    }
    throw new Error(`Cannot summarize: the run "${runName(point)}" is missing`);
  });
  const exact = byName.get(EXACT) ?? null;
  return { settings, exact, references, bySetting: bySetting(runs) };
}

interface Run extends RecordedRun {
  readonly point: GridPoint;
}

/** Runs by method and level, which are first met in the order of the grid. */
function bySetting(runs: readonly Run[]): SettingRuns[] {
  const groups = Map.groupBy(
    runs,
    ({ point: { draw: _draw, seed: _seed, ...setting } }) =>
      canonicalJson(setting),
  );
  return [...groups.values()].map((group) => {
    const { draw: _draw, seed: _seed, level, ...method } = group[0]!.point;
    const runs = group.map(({ point: { draw, seed }, record, rows }) => ({
      ...{ draw, seed, record, rows },
    }));
    return { method, level, runs };
  });
}

/** Summarizes the runs of every setting, and nothing else. */
export function summarizeGrid(
  { settings: { draws, seeds }, bySetting }: ExperimentRuns<GridSettings>,
): GridSummary {
  return { draws, seeds, settings: bySetting.map(summarizeSetting) };
}

/** Summarizes the runs of one setting. */
export function summarizeSetting(
  { method, level, runs }: SettingRuns,
): SettingSummary {
  const steps = runs[0]!.rows.map(({ step }) => step);
  const last = steps.length - 1;
  return {
    ...{ ...method, level },
    runs: runs.map(({ draw, seed }) => ({ draw, seed })),
    ends: Object.fromEntries(
      measuresOf(runs, last).map((name) => [
        name,
        runs.map(({ rows }) => rows[last]![name] ?? null),
      ]),
    ),
    trajectory: steps.map((step, i) => ({ step, medians: mediansAt(runs, i) })),
  };
}

function measuresOf(runs: readonly RecordedRun[], row: number): string[] {
  return Object.keys(runs[0]!.rows[row]!).filter((name) => name !== "step");
}

/** Medians of the measures that all runs have. */
function mediansAt(
  runs: readonly RecordedRun[],
  row: number,
): Record<string, number> {
  return Object.fromEntries(
    measuresOf(runs, row).flatMap((name) => {
      const values = runs.flatMap(({ rows }) => rows[row]![name] ?? []);
      const isWhole = values.length === runs.length;
      return isWhole ? [[name, quantile(values, 0.5)] as const] : [];
    }),
  );
}

function checkOrigin(
  run: RecordedRun,
  reference: RecordedRun | undefined,
): RecordedRun {
  const weights = reference?.record.summary["weights"];
  const { name, model } = run.record;
  if (weights === undefined || model.weights === weights) return run;
  throw new Error(
    `Cannot summarize: ${name} started from other weights than those of the record "${
      reference!.record.name
    }"`,
  );
}
