import { basename, dirname, join, relative, resolve } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import type { MetricsRow } from "./metrics.ts";
import * as v from "valibot";
import type { Source } from "../hub/resolve.ts";
import { canonicalJson } from "./canonical_json.ts";
import { checkJson, COUNT, JSON_OBJECT, SHA256, TEXT } from "./check_json.ts";
import { CHECKOUT, ENVIRONMENT, PROVENANCE } from "./environment.ts";

const SECONDS = v.pipe(v.number(), v.minValue(0, "a number of at least 0"));

/** Schema of {@linkcode Objective}. */
export const OBJECTIVE = v.strictObject({
  /** Name of the loss. */
  loss: TEXT,
  formula: TEXT,
  /** How losses of examples become one number. */
  reduction: TEXT,
  /** Tokens and divisor of a negative log-likelihood term; `null` without one. */
  nll: v.nullable(v.string()),
  /** Formula of a statistic over the whole batch, such as KL; `null` without one. */
  kl: v.nullable(v.string()),
  /** The reference policy in words; `null` without one. */
  reference: v.nullable(v.string()),
  /** Factor that makes log π/π_ref a reward; older records lack it. */
  rewardScale: v.exactOptional(v.number()),
  /** SHA-256 of each file of code that is not of this repository. */
  code: v.exactOptional(v.array(SHA256)),
});

/** The exact objective of a run. */
export type Objective = v.InferOutput<typeof OBJECTIVE>;

/** Schema of {@linkcode DataSource}. */
export const DATA_SOURCE = v.strictObject({
  /** `train`, `eval` … */
  role: TEXT,
  /** Base name, path in the checkout, Hub id with revision, or generator. */
  source: TEXT,
  /** SHA-256 of the tokenized examples. */
  sha256: SHA256,
  /** SHA-256 of each file as it lies there, in the order of reading. */
  files: v.exactOptional(v.array(SHA256)),
  /** Layout of the rows. */
  format: v.exactOptional(TEXT),
  /** Columns of the rows that hold something and that nobody read. */
  unreadColumns: v.exactOptional(v.array(TEXT)),
  /** Changes of the rows before they were tokenized. */
  conversions: v.exactOptional(v.array(v.strictObject({
    name: TEXT,
    setting: v.union([v.string(), v.number(), v.boolean()]),
    counts: v.record(v.string(), COUNT),
  }))),
  /** Numbers of rows by what became of them; see `Counts`. */
  counts: v.objectWithRest({
    rows: COUNT,
    truncated: COUNT,
    dropped: COUNT,
    /** Rows whose tokens differ if prompt and completion are tokenized together. */
    boundaryShifted: COUNT,
  }, COUNT),
});

/**
 * Rows that went into a run.
 *
 * @internal
 */
export type DataSource = v.InferOutput<typeof DATA_SOURCE>;

/** Schema of a record's model. */
export const MODEL_SOURCE = v.strictObject({
  /** Base name, path in the checkout, Hub id with revision, or builder. */
  source: TEXT,
  /** SHA-256 of the GGUF file, if the weights were made from one. */
  gguf: v.exactOptional(SHA256),
  /**
   * SHA-256 of the safetensors files, one after another: of a single one that
   * which the Hub shows. `null` if the seed makes the weights.
   */
  weights: v.nullable(SHA256),
  /** SHA-256 of the initial adapter; `null` without one. */
  adapter: v.nullable(SHA256),
  /** SHA-256 of the tokenizer with its chat template; `null` without one. */
  tokenizer: v.nullable(SHA256),
  parameters: v.strictObject({ total: COUNT, trainable: COUNT }),
});

/** Schema of {@linkcode Timings}. */
export const TIMINGS = v.strictObject({
  /** ISO 8601, in UTC. */
  startedAt: v.pipe(
    v.string(),
    v.regex(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
      "a time in UTC such as 2025-01-31T12:00:00.000Z",
    ),
  ),
  seconds: SECONDS,
  /** Seconds by phase. */
  phases: v.record(v.string(), SECONDS),
});

/** Begin and duration of a run. */
export type Timings = v.InferOutput<typeof TIMINGS>;

/**
 * Schema of `run.json`: settings, inputs and results of a run. Records are
 * published, so no text in them is an absolute path; see
 * {@linkcode portablePath}.
 */
export const RUN_RECORD = v.strictObject({
  schemaVersion: v.literal(1),
  /** The verb that makes the run again. */
  kind: TEXT,
  /** Tells the run from others of its kind. */
  name: TEXT,
  /** Every setting, defaults resolved. */
  settings: JSON_OBJECT,
  /** `null` for a run that trains nothing. */
  objective: v.nullable(OBJECTIVE),
  /** Seeds by what they decide. */
  seeds: v.record(v.string(), v.pipe(v.number(), v.integer("an integer"))),
  /** `null` outside a checkout. */
  provenance: v.nullable(PROVENANCE),
  data: v.array(DATA_SOURCE),
  model: MODEL_SOURCE,
  environment: ENVIRONMENT,
  timings: TIMINGS,
  peakMemoryBytes: COUNT,
  /** The metrics a comparison reads. */
  summary: JSON_OBJECT,
  /** SHA-256 of every file beside the record, by name. */
  artifacts: v.record(TEXT, SHA256),
});

/**
 * The record of a run: its settings, its inputs and its results.
 *
 * @internal
 */
export type RunRecord = v.InferOutput<typeof RUN_RECORD>;

/** A record, and the rows of its metrics. */
export interface RecordedRun {
  /** Content of `run.json`. */
  readonly record: RunRecord;
  /** Lines of `metrics.jsonl`. */
  readonly rows: readonly MetricsRow[];
}

/**
 * Writes `run.json` into a folder, which is created if it is missing.
 *
 * @throws {Error} if the record breaks the schema or cannot be written; no file
 * is half-written.
 */
export async function writeRecord(
  folder: string,
  record: RunRecord,
): Promise<void> {
  await writeChecked(join(folder, "run.json"), record);
}

/**
 * Writes the record of one file beside it, as `FILE.record.json`.
 *
 * @throws {Error} as {@linkcode writeRecord} does.
 */
export async function writeRecordOf(
  file: string,
  record: RunRecord,
): Promise<void> {
  await writeChecked(`${file}.record.json`, record);
}

async function writeChecked(path: string, record: RunRecord): Promise<void> {
  const text = canonicalJson(record, { indent: 2 });
  checkJson(RUN_RECORD, JSON.parse(text), `Cannot write ${path}`);
  await Deno.mkdir(dirname(path), { recursive: true });
  await writeTextAtomically(path, `${text}\n`);
}

/**
 * Reads a `run.json`.
 *
 * @throws {Error} naming the file and the location in it that breaks
 * {@linkcode RUN_RECORD}.
 */
export async function readRecord(path: string): Promise<RunRecord> {
  const text = await Deno.readTextFile(path).catch((cause) => {
    throw new Error(`Cannot read ${path}`, { cause });
  });
  return checkJson(RUN_RECORD, parse(text, path), `Cannot read ${path}`);
}

/**
 * Name of a file in a record: its path in the checkout, or its base name if it
 * lies elsewhere, since other paths reveal the machine and its user.
 */
export function portablePath(path: string): string {
  if (CHECKOUT === null) return basename(path);
  const inside = relative(CHECKOUT, resolve(path)).replaceAll("\\", "/");
  return /^(\.\.(\/|$)|\/|[A-Za-z]:)/.test(inside)
    ? basename(path)
    : inside || ".";
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`Cannot read ${path}: expected JSON (${cause})`, { cause });
  }
}

/** Measures the phases of a run. */
export class Clock {
  readonly #startedAt = new Date().toISOString();
  readonly #start = performance.now();
  readonly #phases: Record<string, number> = {};
  #last = this.#start;

  /** Ends a phase. */
  lap(phase: string): void {
    const now = performance.now();
    this.#phases[phase] = (now - this.#last) / 1000;
    this.#last = now;
  }

  /** Times a part of a phase, by a name of its own. */
  async within<T>(part: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    const seconds = (performance.now() - start) / 1000;
    this.#phases[part] = (this.#phases[part] ?? 0) + seconds;
    return result;
  }

  timings(): Timings {
    return {
      startedAt: this.#startedAt,
      seconds: (performance.now() - this.#start) / 1000,
      phases: { ...this.#phases },
    };
  }
}

/** Name of a model or data in a record; from the Hub, an id that fetches it again. */
export function sourceName(source: Source): string {
  if (source.kind === "local") return portablePath(source.path);
  const { repo, commit, part } = source;
  return `${repo}@${commit}${part === undefined ? "" : `:${part}`}`;
}
