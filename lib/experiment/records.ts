import { join } from "node:path";
import * as v from "valibot";
import { writeAtomically } from "../files/atomic.ts";
import { exists } from "../files/missing.ts";
import type { Device } from "../onnx/providers.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { checkJson, COUNT } from "../record/check_json.ts";
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
import {
  EXACT,
  GRID,
  GRID_POINT,
  type GridPoint,
  gridPoints,
  type GridSettings,
  referenceName,
  runName,
} from "./grid.ts";
import { worldOf } from "./identity.ts";

/**
 * The result of a job: its metrics, and the parts of its record that it knows;
 * a job without a model knows none.
 */
export interface Outcome extends
  Partial<
    Pick<RunRecord, "objective" | "seeds" | "data" | "model" | "timings">
  > {
  /** Most memory that its process held. @default 0 */
  readonly peakMemoryBytes?: number;
  /** Lines of metrics. */
  readonly rows: readonly MetricsRow[];
  /** Results, as the record keeps them. */
  readonly summary: RunRecord["summary"];
}

/** An outcome, and the time that its job took. */
export type TimedOutcome = Outcome & Pick<RunRecord, "timings">;

/** The parts that all records of an experiment share. */
export interface RunContext<S> {
  /** Name of the experiment. */
  readonly experiment: string;
  readonly settings: S;
  readonly device: Device;
  readonly provenance: Provenance | null;
}

const NO_MODEL: RunRecord["model"] = {
  ...{ source: "none", weights: null, adapter: null, tokenizer: null },
  parameters: { total: 0, trainable: 0 },
};

/** What a record tells of: a run, the model of a draw, or exact numbers. */
export type Recorded =
  | { readonly point: GridPoint }
  | { readonly draw: number }
  | { readonly exact: ExactGrid };

/** The part of a grid that exact numbers are of. */
export type ExactGrid = Pick<GridSettings, "methods" | "levels">;

/** Exact numbers of all methods and levels of a grid. */
export function exactOf({ methods, levels }: ExactGrid): Recorded {
  return { exact: { methods, levels } };
}

/** Folder and name of a record. */
export function recordName(recorded: Recorded): string {
  if ("exact" in recorded) return EXACT;
  return "point" in recorded
    ? runName(recorded.point)
    : referenceName(recorded.draw);
}

/** All that an experiment may have records of. */
export function recordsOf(settings: GridSettings): Recorded[] {
  return [
    exactOf(settings),
    ...settings.draws.map((draw) => ({ draw })),
    ...gridPoints(settings).map((point) => ({ point })),
  ];
}

/** The record of an outcome, with its metrics. */
export function recordRun<S extends GridSettings>(
  recorded: Recorded,
  { rows, ...outcome }: TimedOutcome,
  { experiment, settings, device, provenance }: RunContext<S>,
): RecordedRun {
  const run = runOf(recorded);
  const all = canonicalJson({ experiment, run, ...worldOf(settings) });
  return {
    rows,
    record: {
      ...{ objective: null, data: [], model: NO_MODEL, peakMemoryBytes: 0 },
      seeds: "draw" in run ? seedsOf(run) : {},
      ...outcome,
      schemaVersion: 1,
      kind: "experiment",
      name: recordName(recorded),
      settings: JSON.parse(all),
      provenance,
      environment: environment({ device, precision: "float32", threads: 1 }),
      artifacts: {},
    },
  };
}

/** The run in the settings of a record. */
function runOf(recorded: Recorded): v.InferOutput<typeof RUN> {
  if ("exact" in recorded) {
    const { methods, levels } = recorded.exact;
    return { methods: [...methods], levels: [...levels] };
  }
  return "point" in recorded ? recorded.point : { draw: recorded.draw };
}

function seedsOf({ draw, ...run }: { draw: number; seed?: number }) {
  return { draw, ...run.seed !== undefined && { run: run.seed } };
}

/** A run, the draw of a model, or the grid of exact numbers. */
const RUN = v.union([
  GRID_POINT,
  v.strictObject({ draw: COUNT }),
  v.strictObject({ methods: GRID.methods, levels: GRID.levels }),
]);

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

/** The settings in a record, and what it tells of. */
export interface StoredSettings<S> {
  /** With a grid of no other run. */
  readonly settings: S;
  readonly recorded: Recorded;
}

/**
 * Reads the settings of a record.
 *
 * @param schema of the settings of its experiment.
 * @throws Error that names the setting that is not as the schema has it.
 */
export function storedSettings<S extends GridSettings>(
  { name, settings }: Pick<RunRecord, "name" | "settings">,
  schema: v.GenericSchema<S>,
): StoredSettings<S> {
  const { experiment: _experiment, run, ...world } = settings;
  const doing = `Cannot use the run in the settings of ${name}`;
  const found = checkJson(RUN, run, doing);
  return {
    recorded: recordedOf(found),
    settings: checkJson(
      schema,
      { ...world, ...gridOf(found) },
      `Cannot use the settings of ${name}`,
    ),
  };
}

function recordedOf(run: v.InferOutput<typeof RUN>): Recorded {
  if ("methods" in run) return { exact: run };
  return "loss" in run ? { point: run } : run;
}

/** The grid of a single run. */
function gridOf(run: v.InferOutput<typeof RUN>): GridSettings {
  const none = { methods: [], draws: [], seeds: [], levels: [] };
  if ("methods" in run) return { ...none, ...run };
  if (!("loss" in run)) return { ...none, draws: [run.draw] };
  const { draw, seed, level, ...method } = run;
  return {
    ...{ methods: [method], draws: [draw], seeds: [seed], levels: [level] },
  };
}

/** Whether a record is of this run, whatever else there is in its experiment. */
export function isOf(record: RunRecord, recorded: Recorded): boolean {
  const run = canonicalJson(record.settings["run"] ?? null);
  return record.name === recordName(recorded) &&
    run === canonicalJson(runOf(recorded));
}
