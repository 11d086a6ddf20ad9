/** A difference between two values; `undefined` stands for absence. */
export interface Difference {
  /** JSON pointer, such as `/summary/loss`. */
  path: string;
  before: unknown;
  after: unknown;
}

/**
 * Keys of the time, place, machine and speed of a run, which differ when it is
 * repeated. `metrics.jsonl` is one for its hash among the artifacts: its rows
 * hold seconds. Compare the rows instead.
 */
export const VOLATILE: readonly string[] = [
  "environment",
  "metrics.jsonl",
  "peakMemoryBytes",
  "provenance",
  "seconds",
  "timings",
];

/** Options for {@linkcode differences}. */
export interface DifferencesOptions {
  /**
   * Keys to ignore, at any depth.
   *
   * @default VOLATILE
   */
  ignore?: readonly string[];
}

/** Lists the differences of two JSON values, such as records; numbers bit for bit. */
export function differences(
  before: unknown,
  after: unknown,
  { ignore = VOLATILE }: DifferencesOptions = {},
): Difference[] {
  return [...walk({ path: "", before, after }, ignore)];
}

function* walk(
  { path, before, after }: Difference,
  ignore: readonly string[],
): Generator<Difference> {
  if (
    !isContainer(before) || !isContainer(after) ||
    Array.isArray(before) !== Array.isArray(after)
  ) {
    if (before !== after) yield { path, before, after };
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (ignore.includes(key)) continue;
    yield* walk({
      path: `${path}/${key}`,
      before: before[key],
      after: after[key],
    }, ignore);
  }
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
