import { twoSidedQuantile } from "./interval.ts";

/** Options of {@linkcode pairsNeeded}. */
export interface PowerOptions {
  /** The difference to be found, above 0. */
  delta: number;
  /** Standard deviation of the paired differences, at least 0. */
  deviation: number;
  /**
   * The probability to find it, above 0.5.
   *
   * @default 0.8
   */
  power?: number;
  /**
   * The error that the family of comparisons may make.
   *
   * @default 0.05
   */
  alpha?: number;
  /**
   * Comparisons that share `alpha`. Holm's rule needs no more pairs than
   * Bonferroni's, which this counts with.
   *
   * @default 1
   */
  comparisons?: number;
}

/**
 * The number of pairs with which a two-sided paired test finds a mean
 * difference of `delta`: the smallest n with
 * δ √n / s ≥ t(1 − α/2m) + t(power), Student's quantiles at n − 1 degrees of
 * freedom (Chow, Shao and Wang, Sample Size Calculations in Clinical Research,
 * section 3.1, with t in place of z: within a pair of the noncentral t).
 * A sign-flip test must also be able to reach α/m at all: 2^(1 − n) ≤ α/m.
 *
 * @example Differences with a deviation of 0.194, three comparisons
 * ```ts
 * import { pairsNeeded } from "@prefgrad/prefgrad/stats";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(pairsNeeded({ delta: 0.1, deviation: 0.194, comparisons: 3 }), 43);
 * ```
 *
 * @throws {RangeError} on a `delta` that is not above 0, or a `deviation` that
 * is not a number of at least 0, or a probability outside its range.
 */
export function pairsNeeded(
  { delta, deviation, power = 0.8, alpha = 0.05, comparisons = 1 }:
    PowerOptions,
): number {
  if (!(delta > 0 && deviation >= 0 && Number.isFinite(deviation / delta))) {
    throw new RangeError(
      `Cannot size a comparison for δ ${delta} and a deviation of ${deviation}: expected δ above 0 and a finite deviation`,
    );
  }
  const level = alpha / comparisons;
  const finds = (n: number) => {
    const quantiles = twoSidedQuantile(1 - level, n - 1) +
      twoSidedQuantile(2 * power - 1, n - 1);
    return delta * Math.sqrt(n) >= quantiles * deviation;
  };
  let n = Math.max(2, Math.ceil(1 - Math.log2(level)));
  while (!finds(n)) n++;
  return n;
}
