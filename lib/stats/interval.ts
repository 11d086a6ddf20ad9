import { centralProbability, twoSidedQuantile } from "./student_t.ts";

/** A mean over `n` values and where it may lie. */
export interface Interval {
  /** How many values were seen. */
  n: number;
  mean: number;
  /** Lower end; `null` for a single value, which says nothing of spread. */
  low: number | null;
  /** Upper end; `null` for a single value. */
  high: number | null;
}

/** What {@linkcode pairedDifference} finds. */
export interface PairedDifference extends Interval {
  /** Two-sided p-value of the paired t-test; `null` for a single pair. */
  p: number | null;
}

/** Options for {@linkcode meanInterval} and {@linkcode pairedDifference}. */
export interface IntervalOptions {
  /**
   * Probability that such an interval covers the true mean.
   *
   * @default 0.95
   */
  confidence?: number;
}

/**
 * The mean with Student's interval, mean ± t·s/√n, for values that are
 * independent and about normal: one per seed, not one per step.
 *
 * @throws {RangeError} on no values, or one that is not finite.
 */
export function meanInterval(
  values: readonly number[],
  { confidence = 0.95 }: IntervalOptions = {},
): Interval {
  const { n, mean, standardError } = moments(values);
  if (n === 1) return { n, mean, low: null, high: null };
  const half = twoSidedQuantile(confidence, n - 1) * standardError;
  return { n, mean, low: mean - half, high: mean + half };
}

/**
 * The mean of `a[i] − b[i]` with its interval and paired t-test. Pair what
 * shares a seed: what the seed does to both then cancels.
 *
 * @throws {RangeError} on no pairs, unequal lengths or a value that is not
 * finite.
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  options: IntervalOptions = {},
): PairedDifference {
  if (a.length !== b.length) {
    throw new RangeError(
      `Cannot pair ${a.length} values with ${b.length}: expected as many of each`,
    );
  }
  const differences = a.map((value, i) => value - b[i]!);
  const interval = meanInterval(differences, options);
  return { ...interval, p: pValue(moments(differences)) };
}

/**
 * The value below which a share `probability` of the sorted values lies,
 * interpolated linearly as NumPy does (type 7 of Hyndman and Fan,
 * https://doi.org/10.1080/00031305.1996.10473566).
 *
 * @throws {RangeError} on no values, one that is not finite, or a probability
 * outside [0, 1].
 */
export function quantile(
  values: readonly number[],
  probability: number,
): number {
  checkSample(values);
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(
      `Cannot take the quantile at ${probability}: expected a number in [0, 1]`,
    );
  }
  const sorted = values.toSorted((x, y) => x - y);
  const position = probability * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position % 1);
}

interface Moments {
  n: number;
  mean: number;
  /** NaN for a single value. */
  standardError: number;
}

function moments(values: readonly number[]): Moments {
  checkSample(values);
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { n, mean, standardError: Math.sqrt(squares / (n - 1) / n) };
}

function pValue({ n, mean, standardError }: Moments): number | null {
  if (n === 1) return null;
  if (mean === 0) return 1;
  return 1 - centralProbability(Math.abs(mean) / standardError, n - 1);
}

function checkSample(values: readonly number[]): void {
  if (values.length === 0) {
    throw new RangeError("Cannot summarise no values: expected at least one");
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot summarise value ${bad}, ${values[bad]}: expected finite numbers`,
    );
  }
}
