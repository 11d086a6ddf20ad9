import { join } from "node:path";
import { hashExamples } from "lib/data/example.ts";
import type { TokenRow } from "lib/data/tree_batch.ts";
import { describeLoss, lossReads } from "lib/losses/requirements.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import type { Device } from "lib/onnx/providers.ts";
import {
  type DataSource,
  readRecord,
  type RunRecord,
  type Timings,
  writeRecord,
} from "lib/record/record.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import {
  environment,
  peakMemory,
  type Provenance,
} from "lib/record/environment.ts";
import {
  type MetricsRow,
  metricsWriter,
  readMetrics,
} from "lib/record/metrics.ts";
import { sha256, sha256File } from "lib/record/sha256.ts";
import type { AttainablePoint } from "./attainable.ts";
import type { RunOutcome, RunSpec } from "./bench.ts";
import { hashWeights, type ReferenceModel } from "./reference_model.ts";
import { goldAccuracy, type SeedData } from "./seed_data.ts";
import type { FrontierSettings } from "./settings.ts";
import { encode, EOS, VOCABULARY } from "./world.ts";

/** A record with the lines of its metrics. */
export interface StoredRun {
  readonly record: RunRecord;
  readonly rows: readonly MetricsRow[];
}

/** What the records of one experiment have in common. */
export interface Circumstances {
  readonly settings: FrontierSettings;
  readonly device: Device;
  readonly provenance: Provenance | null;
}

/** Folder and name of a run. */
export function runName({ loss, option, value, seed }: RunSpec): string {
  return `${loss}${option === null ? "" : `-${option}${value}`}-seed${seed}`;
}

/** Folder and name of the reference model's record. */
export const REFERENCE = "reference";

export interface TrainedReference {
  readonly model: ReferenceModel;
  readonly rows: readonly MetricsRow[];
  readonly timings: Timings;
  readonly summary: {
    readonly nll: number;
    readonly entropy: number;
    readonly wellFormed: number;
    /** The frontier that no policy can cross. */
    readonly attainable: readonly AttainablePoint[];
  };
}

export function referenceRecord(
  { model, rows, timings, summary }: TrainedReference,
  circumstances: Circumstances,
): StoredRun {
  const { seed } = circumstances.settings.referenceModel;
  const { attainable, ...numbers } = summary;
  return {
    rows,
    record: {
      ...common(circumstances, null),
      name: REFERENCE,
      objective: objectiveOf("sft"),
      seeds: {
        model: seed,
        attainable: circumstances.settings.attainable.seed,
      },
      data: [],
      model: { ...modelOf(model), weights: null },
      timings,
      peakMemoryBytes: peakMemory(),
      summary: {
        ...numbers,
        weights: hashWeights(model),
        attainable: attainable.map((point) => ({ ...point })),
      },
    },
  };
}

export interface FinishedRun {
  readonly spec: RunSpec;
  readonly outcome: RunOutcome;
  readonly data: SeedData;
  readonly model: ReferenceModel;
}

export function runRecord(
  { spec, outcome, data, model }: FinishedRun,
  circumstances: Circumstances,
): StoredRun {
  const { rows, timings, peakMemoryBytes } = outcome;
  const { step: _step, ...last } = rows.at(-1)!;
  return {
    rows,
    record: {
      ...common(circumstances, spec),
      name: runName(spec),
      objective: objectiveOf(spec.loss),
      seeds: { run: spec.seed },
      data: [
        sourceOf("train", data.pairs, data.seed),
        sourceOf("eval", data.heldOut.pairs, data.seed),
      ],
      model: modelOf(model),
      timings,
      peakMemoryBytes,
      summary: { ...last, goldAccuracy: goldAccuracy(data.heldOut) },
    },
  };
}

/** Writes a run into its folder in `results`. */
export async function writeRun(
  results: string,
  { record, rows }: StoredRun,
): Promise<void> {
  const folder = join(results, record.name);
  await Deno.mkdir(folder);
  const path = join(folder, "metrics.jsonl");
  const write = metricsWriter(path);
  for (const row of rows) write(row);
  const artifacts = { "metrics.jsonl": await sha256File(path) };
  await writeRecord(folder, { ...record, artifacts });
}

/** Reads every run in `results`, sorted by name. */
export async function readRuns(results: string): Promise<StoredRun[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(results)) {
    if (isDirectory) names.push(name);
  }
  return await Promise.all(
    names.sort().map((name) => readRun(join(results, name))),
  );
}

/**
 * @throws Error where the metrics are not those that the record tells of.
 */
export async function readRun(folder: string): Promise<StoredRun> {
  const record = await readRecord(join(folder, "run.json"));
  const path = join(folder, "metrics.jsonl");
  if (await sha256File(path) !== record.artifacts["metrics.jsonl"]) {
    throw new Error(
      `Cannot use ${path}: it is not the file whose hash run.json has`,
    );
  }
  return { record, rows: readMetrics(path) };
}

function common(
  { settings, device, provenance }: Circumstances,
  run: RunSpec | null,
) {
  const all = canonicalJson({ experiment: "frontier", run, ...settings });
  return {
    schemaVersion: 1,
    kind: "experiment",
    settings: JSON.parse(all),
    provenance,
    environment: environment({ device, precision: "float32", threads: 1 }),
    artifacts: {},
  } as const;
}

function objectiveOf(id: string): RunRecord["objective"] {
  const loss = findLoss(id);
  const options = resolveOptions(loss);
  const reference = lossReads(loss, options).reference
    ? "the reference model"
    : null;
  return describeLoss(loss, options, { reference });
}

function modelOf(model: ReferenceModel): RunRecord["model"] {
  const total = countParameters(parameterNames(model.config));
  return {
    source: "the decoder of settings.referenceModel",
    weights: hashWeights(model),
    adapter: null,
    tokenizer: sha256(canonicalJson(VOCABULARY)),
    parameters: { total, trainable: total },
  };
}

function sourceOf(
  role: string,
  rows: readonly TokenRow[],
  seed: number,
): DataSource {
  const [end] = encode(EOS);
  const isCut = ({ completions }: TokenRow) =>
    completions.some((ids) => ids.at(-1) !== end);
  return {
    role,
    source: `pairs sampled from the reference model, seed ${seed}`,
    sha256: hashExamples({ examples: rows }),
    counts: {
      rows: rows.length,
      truncated: rows.filter(isCut).length,
      dropped: 0,
      boundaryShifted: 0,
    },
  };
}
