import { stringify } from "csv-stringify/sync";
import { join } from "node:path";
import { writeAtomically } from "../files/atomic.ts";
import { shownPath } from "../files/shown_path.ts";
import { isObject, reasonOf } from "../files/values.ts";
import { readMetrics } from "../record/metrics.ts";
import type { RunRecord } from "../record/record.ts";
import type { Results } from "./find_results.ts";
import type { ReportHooks } from "./report.ts";
import { type StoredRun, storedRuns } from "./stored_runs.ts";

/** A line of the long table: one measure of one run after one step. */
interface Measurement {
  /** Folder of the results. */
  readonly folder: string;
  /** Null for a run of training alone. */
  readonly experiment: string | null;
  readonly run: string;
  /** Null for a model that runs start from, as its settings are. */
  readonly loss: string | null;
  /** Chosen options, and the level of the data: `beta=0.1 flip=0.2`. */
  readonly setting: string | null;
  readonly "learning_rate": number | null;
  readonly draw: number | null;
  readonly seed: number | null;
  readonly step: number;
  readonly measure: string;
  readonly value: number | null;
}

const COLUMNS: readonly (keyof Measurement)[] = [
  ...["folder", "experiment", "run", "loss", "setting"] as const,
  ...["learning_rate", "draw", "seed", "step", "measure", "value"] as const,
];

/** A form of the table that other programs read. */
export interface TableForm {
  /** The text before all lines. */
  readonly head: string;
  lines(rows: readonly Measurement[]): string;
}

/** Comma-separated values; a field is empty where there is no value. */
export const CSV: TableForm = {
  head: stringify([[...COLUMNS]]),
  lines: (rows) => stringify([...rows], { columns: [...COLUMNS] }),
};

/** JSON Lines. */
export const JSON_LINES: TableForm = {
  head: "",
  lines: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
};

/**
 * Writes the metrics of all runs in results as one long table, which pandas
 * reads by `read_csv(path)` or `read_json(path, lines=True)`.
 */
export async function writeMeasurements(
  all: readonly Results[],
  { path, form, onDefect }: ReportHooks & { path: string; form: TableForm },
): Promise<void> {
  await writeAtomically(path, async (temporary) => {
    await Deno.writeTextFile(temporary, form.head);
    for (const results of all) {
      try {
        const folder = shownPath(results.folder);
        for (const run of await storedRuns(results)) {
          const lines = form.lines(measurementsOf(run, folder));
          await Deno.writeTextFile(temporary, lines, { append: true });
        }
      } catch (error) {
        onDefect(`${path} lacks runs of ${results.folder}: ${reasonOf(error)}`);
      }
    }
  });
}

function measurementsOf(
  { folder, record }: StoredRun,
  results: string,
): Measurement[] {
  const origin = { folder: results, ...originOf(record) };
  return readMetrics(join(folder, "metrics.jsonl")).flatMap(
    ({ step, ...measures }) =>
      Object.entries(measures).map(([measure, value]) => ({
        ...{ ...origin, step, measure, value },
      })),
  );
}

/** The run of a record, in the settings of training or of an experiment. */
function originOf({ kind, name, settings }: RunRecord) {
  const { experiment, run = {}, ...own } = settings;
  const chosen = kind === "train" || !isObject(run) ? own : run;
  const { loss, options, level, learningRate, draw, seed } = chosen;
  return {
    experiment: typeof experiment === "string" ? experiment : null,
    run: name,
    loss: typeof loss === "string" ? loss : null,
    setting: settingText({ options, level }) || null,
    "learning_rate": numberOrNull(learningRate),
    draw: numberOrNull(draw),
    seed: numberOrNull(seed),
  };
}

function settingText(
  { options, level }: { options: unknown; level: unknown },
): string {
  return [options, level].filter(isObject).flatMap(Object.entries)
    .map(([name, value]) => `${name}=${value}`).join(" ");
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
