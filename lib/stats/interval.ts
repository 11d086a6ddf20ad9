/** The mean of `n` values with a confidence interval. */
export interface Interval {
  /** The number of values. */
  n: number;
  /** Their mean. */
  mean: number;
  /** Lower end; `null` for a single value, which has no spread. */
  low: number | null;
  /** Upper end; `null` for a single value. */
  high: number | null;
}

/** The result of {@linkcode pairedDifference}. */
export interface PairedDifference extends Interval {
  /** Two-sided p-value of the paired t-test; `null` for a single pair. */
  p: number | null;
}

/** Options for {@linkcode meanInterval} and {@linkcode pairedDifference}. */
export interface IntervalOptions {
  /**
   * The probability that such an interval covers the true mean.
   *
   * @default 0.95
   */
  confidence?: number;
}

/**
 * The mean with Student's interval, mean ± t·s/√n, for values that are
 * independent and about normal: one per seed, not one per step.
 *
 * @example
 * ```ts
 * import { meanInterval } from "@prefgrad/prefgrad/stats";
 * import { strictEqual } from "node:assert/strict";
 *
 * const { mean, low, high } = meanInterval([0.61, 0.58, 0.66]);
 * strictEqual(`${mean.toFixed(2)} [${low!.toFixed(2)}, ${high!.toFixed(2)}]`, "0.62 [0.52, 0.72]");
 * ```
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
 * The mean of `a[i] − b[i]` with its interval and paired t-test. Pair values of
 * the same seed: the effect of the seed on both then cancels.
 *
 * @example Accuracies of two methods under three seeds
 * ```ts
 * import { pairedDifference } from "@prefgrad/prefgrad/stats";
 * import { ok } from "node:assert/strict";
 *
 * const { mean, p } = pairedDifference([0.71, 0.64, 0.69], [0.66, 0.6, 0.63]);
 * ok(Math.abs(mean - 0.05) < 1e-12 && p! < 0.05);
 * ```
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

/**
 * The standard error of the mean, s/√n; `null` for a single value.
 *
 * @throws {RangeError} on no values, or one that is not finite.
 */
export function standardError(values: readonly number[]): number | null {
  return values.length === 1 ? null : moments(values).standardError;
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

/** @throws {RangeError} on no values, or one that is not finite. */
export function checkSample(values: readonly number[]): void {
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

/**
 * P(|T| ≤ t) for Student's T, by the finite sums of Abramowitz and Stegun
 * 26.7.3 and 26.7.4, https://personal.math.ubc.ca/~cbm/aands/page_948.htm:
 * exact for the whole degrees of freedom that samples have.
 *
 * @param t the bound, not negative.
 * @param df degrees of freedom, a positive integer.
 * @throws {RangeError} when either is outside its range.
 */
export function centralProbability(t: number, df: number): number {
  if (!(t >= 0)) {
    throw new RangeError(
      `Cannot use t = ${t}: expected a number of at least 0`,
    );
  }
  checkDegrees(df);
  return probabilityWithin(Math.atan(t / Math.sqrt(df)), df);
}

/**
 * The t with P(|T| ≤ t) = probability: the factor of a two-sided interval.
 *
 * @param probability in (0, 1), 0.95 for a 95 % interval.
 * @param df degrees of freedom, a positive integer.
 * @throws {RangeError} when either is outside its range.
 */
export function twoSidedQuantile(probability: number, df: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(
      `Cannot use a probability of ${probability}: expected one between 0 and 1`,
    );
  }
  checkDegrees(df);
  // Bisection over the angle: it is bounded, and the sum grows with it.
  let [low, high] = [0, Math.PI / 2];
  for (
    let middle = high / 2;
    low < middle && middle < high;
    middle = (low + high) / 2
  ) {
    if (probabilityWithin(middle, df) < probability) low = middle;
    else high = middle;
  }
  return Math.sqrt(df) * Math.tan(high);
}

/** The sums of 26.7.3 (odd) and 26.7.4 (even) at θ = atan(t / √df). */
function probabilityWithin(theta: number, df: number): number {
  const odd = df % 2 === 1;
  const cosine = Math.cos(theta);
  let term = odd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= df - 2; k += 2) {
    term *= cosine * cosine * (k - 1) / k;
    sum += term;
  }
  const series = Math.sin(theta) * sum;
  return odd ? 2 / Math.PI * (theta + series) : series;
}

function checkDegrees(df: number): void {
  if (!Number.isInteger(df) || df < 1) {
    throw new RangeError(
      `Cannot use ${df} degrees of freedom: expected a positive integer`,
    );
  }
}
