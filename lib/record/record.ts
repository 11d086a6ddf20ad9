import schema from "./record.schema.json" with { type: "json" };
import { Ajv, type ErrorObject } from "ajv";
import { basename, dirname, join, relative, resolve } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import type { MetricsRow } from "./metrics.ts";
import { canonicalJson, type Json } from "./canonical_json.ts";
import { CHECKOUT, type Environment, type Provenance } from "./environment.ts";
import type { Source } from "../hub/resolve.ts";

/**
 * What a run was and what came of it: `run.json`, checked against
 * `record.schema.json`. Records are published, so no text in them is an
 * absolute path; see {@linkcode portablePath}.
 */
export interface RunRecord {
  schemaVersion: 1;
  /** The verb that makes the run again. */
  kind: string;
  /** Tells the run from others of its kind. */
  name: string;
  /** Every setting, defaults resolved. */
  settings: Record<string, Json>;
  /** What was minimised; `null` for a run that trains nothing. */
  objective: Objective | null;
  /** Seeds by what they decide. */
  seeds: Record<string, number>;
  /** `null` outside a checkout. */
  provenance: Provenance | null;
  data: DataSource[];
  model: ModelSource;
  environment: Environment;
  timings: Timings;
  peakMemoryBytes: number;
  /** The metrics a comparison reads. */
  summary: Record<string, Json>;
  /** SHA-256 of every file beside the record, by name. */
  artifacts: Record<string, string>;
}

/** A record, and the lines of the metrics beside it. */
export interface RecordedRun {
  readonly record: RunRecord;
  readonly rows: readonly MetricsRow[];
}

/** The exact thing that was minimised. */
export interface Objective {
  /** Name of the loss. */
  loss: string;
  formula: string;
  /** How losses of examples become one number. */
  reduction: string;
  /** What a negative log-likelihood term covers and divides by, if there is one. */
  nll: string | null;
  /**
   * How KL is estimated, or whatever else the loss takes over the whole batch:
   * the formula of its statistics, if it has any.
   */
  kl: string | null;
  /** What the reference policy is, if there is one. */
  reference: string | null;
  /** SHA-256 of each file of code that is not of this repository. */
  code?: string[];
}

/** Rows that went into a run. */
export interface DataSource {
  /** `train`, `eval` … */
  role: string;
  /** Base name, path in the checkout, Hub id with revision, or generator. */
  source: string;
  sha256: string;
  /** Layout of the rows. */
  format?: string;
  /** What was made of the rows before they were tokenized. */
  conversions?: {
    name: string;
    setting: string | number | boolean;
    counts: Record<string, number>;
  }[];
  /** How many rows were there, and what became of them; see `Counts`. */
  counts: {
    rows: number;
    truncated: number;
    dropped: number;
    /** Rows where tokenizing prompt and completion apart or together differs. */
    boundaryShifted: number;
    [touched: string]: number;
  };
}

/** The model a run started from. */
export interface ModelSource {
  /** Base name, path in the checkout, Hub id with revision, or builder. */
  source: string;
  /** SHA-256 of the GGUF file, if it is one that the weights were made from. */
  gguf?: string;
  /** SHA-256 of the weights; `null` where the seed makes them. */
  weights: string | null;
  /** SHA-256 of the initial adapter, if there is one. */
  adapter: string | null;
  /**
   * SHA-256 of the tokenizer with its chat template; `null` for a model that
   * has none.
   */
  tokenizer: string | null;
  parameters: { total: number; trainable: number };
}

/** When and how long. */
export interface Timings {
  /** ISO 8601, in UTC. */
  startedAt: string;
  seconds: number;
  /** Seconds by phase. */
  phases: Record<string, number>;
}

const ajv = new Ajv({ allowUnionTypes: true, verbose: true });
const isRunRecord = ajv.compile<RunRecord>(schema);

/**
 * Writes `run.json` into a folder, which is made where it is missing.
 *
 * @throws {Error} when the record breaks the schema or cannot be written;
 * there is no half-written file.
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
  check(JSON.parse(text), `Cannot write ${path}`);
  await Deno.mkdir(dirname(path), { recursive: true });
  await writeTextAtomically(path, `${text}\n`);
}

/**
 * Reads a `run.json`.
 *
 * @throws {Error} naming the file and the place in it that is not as
 * `record.schema.json` has it.
 */
export async function readRecord(path: string): Promise<RunRecord> {
  const text = await Deno.readTextFile(path).catch((cause) => {
    throw new Error(`Cannot read ${path}`, { cause });
  });
  return check(parse(text, path), `Cannot read ${path}`);
}

/**
 * How a record names a file: by its path in the checkout, or by its base name
 * when it lies elsewhere, since other paths tell of the machine and its user.
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

function check(record: unknown, action: string): RunRecord {
  if (isRunRecord(record)) return record;
  const [problem] = isRunRecord.errors ?? [];
  throw new Error(`${action}: ${problem ? explain(problem) : "no record"}`);
}

/** Says where the record breaks the schema, what is there, and what should be. */
function explain(
  { instancePath, message, params, data, parentSchema }: ErrorObject,
): string {
  const place = instancePath || "the record";
  if (typeof data === "object" && data !== null) {
    const key: unknown = params["additionalProperty"];
    return `${place} ${message}${key === undefined ? "" : ` (${key})`}`;
  }
  const found = canonicalJson(data).slice(0, 60);
  return `${place} is ${found}, expected ${
    parentSchema?.["description"] ?? message
  }`;
}

/** Tells how long each phase of a run took. */
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

  timings(): Timings {
    return {
      startedAt: this.#startedAt,
      seconds: (performance.now() - this.#start) / 1000,
      phases: { ...this.#phases },
    };
  }
}

/** What a record calls a model or data: from the Hub, what gets it again. */
export function sourceName(source: Source): string {
  if (source.kind === "local") return portablePath(source.path);
  const { repo, commit, part } = source;
  return `${repo}@${commit}${part === undefined ? "" : `:${part}`}`;
}
