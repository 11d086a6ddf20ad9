import { type Difference, differences } from "./differences.ts";
import type { RecordedRun } from "./record.ts";

/** Places of a record by the kind of cause that a difference there is. */
const CAUSES = {
  environment: /^\/environment\/(?!packages|lockfile|deno)/,
  packages: /^\/environment\/(packages|lockfile|deno)/,
  hashes: /^\/(data|model|objective\/code)(\/|$)/,
  settings: /^\/(schemaVersion|kind|name|settings|seeds|objective)(\/|$)/,
  commit: /^\/provenance/,
} as const;

/**
 * A kind of cause: the machine, versions of packages, hashes of data, weights
 * and code, settings with the objective, and the commit.
 */
export type Cause = keyof typeof CAUSES;

/** Results, which the causes decide. */
const RESULT = /^\/(summary|artifacts|metrics)(\/|$)/;

/**
 * Keys that differ whenever a run is repeated, and change no number. Two are
 * hashes of files: metrics hold seconds, and an adapter's configuration holds
 * the path of its base model.
 */
const IGNORED = [
  ...["timings", "peakMemoryBytes", "memoryBytes", "seconds"],
  ...["metrics.jsonl", "adapter/adapter_config.json"],
];

/** Names of inputs, which change no number: their hashes tell what they are. */
const NAMES =
  /^\/(settings\/(model|data|evalData|tuning\/adapter|\w+Origin)|(model|data\/\d+)\/source)$/;

const HASH = /^[0-9a-f]{64}$/;

/**
 * Largest share that a difference of rounding has, in the first row of metrics
 * that differs: float32 has seven digits, of which sums lose some. By the
 * precision of the environment.
 */
const ROUNDING = new Map([
  ["float32", 1e-4],
  ["tf32", 1e-2],
  ["float16", 1e-2],
  ["bfloat16", 5e-2],
]);

/** A difference between results. */
export interface ResultDifference extends Difference {
  /** Share of the scale; see {@linkcode compareRuns}. `null` for no numbers. */
  readonly share: number | null;
}

/** How two runs of the same settings compare. */
export interface RunComparison {
  readonly verdict: "identical" | "within" | "different";
  /** Numbers of the results of the record. */
  readonly numbers: number;
  /** Results that differ, in the order of the record, metrics last. */
  readonly results: readonly ResultDifference[];
  /** Those that are no numbers, or numbers beyond the tolerance. */
  readonly beyond: readonly ResultDifference[];
  /** Everything else that differs, by kind. */
  readonly causes: Readonly<Record<Cause, readonly Difference[]>>;
  /** Places that the record lacks: an older program recorded less. */
  readonly added: readonly string[];
  /** The kind that likely made the results differ; `null` without any. */
  readonly likely: Cause | null;
  /** Whether the first numbers that differ do so by no more than rounding. */
  readonly isRounding: boolean;
}

/** Options for {@linkcode compareRuns}. */
export interface CompareOptions {
  /**
   * Largest share that a number may differ by. At 0 all results have to agree
   * bit for bit; above, hashes of files that a run wrote are not compared.
   *
   * @default 0
   */
  readonly tolerance?: number;
  /**
   * Whether the runs made their data and weights themselves. Hashes of these
   * are results then, and the cause of nothing.
   *
   * @default false
   */
  readonly makesInputs?: boolean;
}

/**
 * Compares a run with its repetition.
 *
 * Two numbers a and b agree within X if |a − b| ≤ X · s. The scale s is the
 * largest magnitude that a number of the same name has in either run, in
 * metrics and summary: a share of its own size would mean nothing for a margin
 * that crosses 0. Rounding grows along training, so X bounds the drift of the
 * last step too.
 */
export function compareRuns(
  before: RecordedRun,
  after: RecordedRun,
  { tolerance = 0, makesInputs = false }: CompareOptions = {},
): RunComparison {
  const [old, now] = [before, after].map(({ record, rows }) => ({
    ...record,
    metrics: rows,
  }));
  const all = differences(old, now, { ignore: IGNORED });
  const isAdded = ({ path, before }: Difference) =>
    before === undefined && !path.startsWith("/environment");
  const found = all.filter((each) => !isAdded(each));
  const scales = scalesOf([...numbersIn(old), ...numbersIn(now)]);
  const results = found.filter(({ path }) => RESULT.test(path))
    .map((each) => ({ ...each, share: shareOf(each, scales) }))
    .filter(({ before }) => tolerance === 0 || !isHash(before));
  const beyond = results.filter(({ share }) =>
    share === null || share > tolerance
  );
  const causes = byCause(found);
  const { precision } = before.record.environment;
  const isRounding = isRoundingAtFirst(results, ROUNDING.get(precision) ?? 0);
  const likely = orderOf(isRounding, makesInputs)
    .find((cause) => causes[cause].some(({ path }) => !NAMES.test(path))) ??
    null;
  return {
    ...{ results, beyond, causes, likely, isRounding },
    verdict: verdictOf(results, beyond),
    numbers: [...numbersIn(old)].length,
    added: all.filter(isAdded).map(({ path }) => path),
  };
}

function verdictOf(
  results: readonly ResultDifference[],
  beyond: readonly ResultDifference[],
): RunComparison["verdict"] {
  if (beyond.length > 0) return "different";
  return results.length > 0 ? "within" : "identical";
}

/** The kinds that a difference is blamed on, in order. */
function orderOf(isRounding: boolean, makesInputs: boolean): readonly Cause[] {
  if (isRounding) {
    return ["environment", "packages", "commit", "settings", "hashes"];
  }
  return [
    "settings",
    ...makesInputs ? [] : ["hashes"] as const,
    ...["commit", "packages", "environment"] as const,
  ];
}

function byCause(found: readonly Difference[]): RunComparison["causes"] {
  const causes: Record<Cause, Difference[]> = {
    ...{ environment: [], packages: [], hashes: [], settings: [], commit: [] },
  };
  for (const difference of found) {
    const cause = causeAt(difference.path);
    if (cause) causes[cause].push(difference);
  }
  return causes;
}

function causeAt(path: string): Cause | undefined {
  const kinds = Object.keys(CAUSES) as Cause[];
  return kinds.find((cause) => CAUSES[cause].test(path));
}

/** Whether all numbers of the first row that differs do so by rounding alone. */
function isRoundingAtFirst(
  results: readonly ResultDifference[],
  most: number,
): boolean {
  const rowOf = ({ path }: Difference) => path.match(/^\/metrics\/\d+/)?.[0];
  const first = results.map(rowOf).find((row) => row !== undefined);
  const ofRow = results.filter((each) => rowOf(each) === first);
  return ofRow.length > 0 &&
    ofRow.every(({ share }) => share !== null && share <= most);
}

function shareOf(
  { path, before, after }: Difference,
  scales: ReadonlyMap<string, number>,
): number | null {
  if (typeof before !== "number" || typeof after !== "number") return null;
  return Math.abs(before - after) / scales.get(nameOf(path))!;
}

/** The largest magnitude of the numbers of each name. */
function scalesOf(
  numbers: Iterable<readonly [path: string, value: number]>,
): ReadonlyMap<string, number> {
  const scales = new Map<string, number>();
  for (const [path, value] of numbers) {
    const name = nameOf(path);
    scales.set(name, Math.max(scales.get(name) ?? 0, Math.abs(value)));
  }
  return scales;
}

/** A place without `summary` or `metrics` and without indices of lists. */
function nameOf(path: string): string {
  return path.replace(/^\/[a-z]+/, "").replace(/\/\d+(?=\/|$)/g, "");
}

/** The numbers among the results of a run, by their places. */
function* numbersIn(
  value: unknown,
  path = "",
): Generator<[path: string, value: number]> {
  if (path !== "" && !RESULT.test(path)) return;
  if (typeof value === "number") yield [path, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (!IGNORED.includes(key)) yield* numbersIn(member, `${path}/${key}`);
  }
}

function isHash(value: unknown): boolean {
  return typeof value === "string" && HASH.test(value);
}
