import { join } from "node:path";
import * as v from "valibot";
import { writeAtomically } from "../files/atomic.ts";
import { exists } from "../files/missing.ts";
import type { Device } from "../onnx/providers.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { checkJson } from "../record/check_json.ts";
import { environment, type Provenance } from "../record/environment.ts";
import {
  type MetricsRow,
  metricsWriter,
  readMetrics,
} from "../record/metrics.ts";
import {
  readRecord,
  type RecordedRun,
  type RunRecord,
  writeRecord,
} from "../record/record.ts";
import { sha256File } from "../record/sha256.ts";
import { GRID_POINT, type GridPoint, runName } from "./grid.ts";

/** The result of a job: its metrics, and the parts of its record that it knows. */
export interface Outcome extends
  Pick<
    RunRecord,
    "objective" | "seeds" | "data" | "model" | "timings" | "peakMemoryBytes"
  > {
  /** Lines of metrics. */
  readonly rows: readonly MetricsRow[];
  /** Results, as the record keeps them. */
  readonly summary: RunRecord["summary"];
}

/** The parts that all records of an experiment share. */
export interface RunContext<S> {
  /** Name of the experiment. */
  readonly experiment: string;
  readonly settings: S;
  readonly device: Device;
  readonly provenance: Provenance | null;
}

/** Folder and name of the record of the model that all runs start from. */
export const REFERENCE = "reference";

/**
 * The record of an outcome, with its metrics.
 *
 * @param point the run, or `null` for the model that all runs start from.
 */
export function recordRun<S>(
  point: GridPoint | null,
  { rows, ...outcome }: Outcome,
  { experiment, settings, device, provenance }: RunContext<S>,
): RecordedRun {
  const all = canonicalJson({ experiment, run: point, ...settings });
  return {
    rows,
    record: {
      schemaVersion: 1,
      kind: "experiment",
      name: point === null ? REFERENCE : runName(point),
      settings: JSON.parse(all),
      provenance,
      environment: environment({ device, precision: "float32", threads: 1 }),
      artifacts: {},
      ...outcome,
    },
  };
}

/** Writes a run into its folder in the results, at once. */
export async function writeRun(
  results: string,
  { record, rows }: RecordedRun,
): Promise<void> {
  await writeAtomically(join(results, record.name), async (folder) => {
    await Deno.mkdir(folder);
    const path = join(folder, "metrics.jsonl");
    const write = metricsWriter(path);
    for (const row of rows) write(row);
    const artifacts = { "metrics.jsonl": await sha256File(path) };
    await writeRecord(folder, { ...record, artifacts });
  });
}

/** Reads every run in the results, sorted by name. */
export async function readRuns(results: string): Promise<RecordedRun[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(results)) {
    if (await exists(join(results, name, "run.json"))) names.push(name);
  }
  return await Promise.all(
    names.sort().map((name) => readRun(join(results, name))),
  );
}

/** @throws Error where the metrics are not those that the record names. */
export async function readRun(folder: string): Promise<RecordedRun> {
  const record = await readRecord(join(folder, "run.json"));
  const path = join(folder, "metrics.jsonl");
  if (await sha256File(path) !== record.artifacts["metrics.jsonl"]) {
    throw new Error(
      `Cannot use ${path}: it is not the file whose hash run.json has`,
    );
  }
  return { record, rows: readMetrics(path) };
}

/** The settings in a record, and its run. */
export interface StoredSettings<S> {
  readonly settings: S;
  /** `null` for the model that all runs start from. */
  readonly point: GridPoint | null;
}

/**
 * Reads the settings of a record.
 *
 * @param schema of the settings of its experiment.
 * @throws Error that names the setting that is not as the schema has it.
 */
export function storedSettings<S>(
  { name, settings }: Pick<RunRecord, "name" | "settings">,
  schema: v.GenericSchema<S>,
): StoredSettings<S> {
  const { experiment: _experiment, run, ...rest } = settings;
  return {
    settings: checkJson(schema, rest, `Cannot use the settings of ${name}`),
    point: checkJson(
      v.nullable(GRID_POINT),
      run,
      `Cannot use the run in the settings of ${name}`,
    ),
  };
}
