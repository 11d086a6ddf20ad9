import { quantile } from "./interval.ts";
import type { Uniform } from "./sign_flip.ts";

/** The result of {@linkcode bootstrap}. */
export interface Bootstrap {
  /** The number of units. */
  n: number;
  /** The statistic of the units. */
  estimate: number;
  /** Lower end of the interval. */
  low: number;
  /** Upper end of the interval. */
  high: number;
  /** Two-sided p-value of 0: the smallest error of an interval that ends at 0. */
  p: number;
  /** The smallest p-value that so many resamples can have. */
  smallestP: number;
}

/** Options of {@linkcode bootstrap}. */
export interface BootstrapOptions {
  /** Draws the resamples. */
  random: Uniform;
  /** The number of resamples. @default 9999 */
  resamples?: number;
  /**
   * The probability that such an interval covers the true value.
   *
   * @default 0.95
   */
  confidence?: number;
}

/**
 * The percentile bootstrap: the statistic of many resamples of the units, drawn
 * with replacement (Efron and Tibshirani 1993, chapter 13,
 * https://doi.org/10.1201/9780429246593). It suits a hundred units and more,
 * such as the prompts of an evaluation. Its interval is too narrow for few
 * units: use `signFlipTest` for the draws of an experiment.
 *
 * @param units what is drawn: for a paired comparison, the pairs.
 *
 * @example Win rate of a model over prompts
 * ```ts
 * import { bootstrap, Rng } from "@prefgrad/prefgrad/stats";
 * import { ok } from "node:assert/strict";
 *
 * const wins = Array.from({ length: 200 }, (_, prompt) => prompt % 4 === 0 ? 0 : 1);
 * const share = (sample: readonly number[]) => sample.reduce((a, b) => a + b, 0) / sample.length;
 * const { estimate, low, high } = bootstrap(wins, share, { random: new Rng(0) });
 * ok(estimate === 0.75 && 0.68 < low && low < 0.71 && 0.79 < high && high < 0.82);
 * ```
 *
 * @throws {RangeError} on no units, or a statistic that is not finite.
 */
export function bootstrap<T>(
  units: readonly T[],
  statistic: (sample: readonly T[]) => number,
  { random, resamples = 9999, confidence = 0.95 }: BootstrapOptions,
): Bootstrap {
  if (units.length === 0) {
    throw new RangeError("Cannot resample no units: expected at least one");
  }
  const n = units.length;
  const draw = () => units[Math.floor(random.uniform() * n)]!;
  const drawn = Array.from(
    { length: resamples },
    () => statistic(Array.from({ length: n }, draw)),
  );
  const tail = (1 - confidence) / 2;
  const atMost0 = drawn.filter((value) => value <= 0).length;
  const atLeast0 = drawn.filter((value) => value >= 0).length;
  const rarer = 1 + Math.min(atMost0, atLeast0);
  return {
    n,
    estimate: statistic(units),
    low: quantile(drawn, tail),
    high: quantile(drawn, 1 - tail),
    p: Math.min(1, 2 * rarer / (resamples + 1)),
    smallestP: 2 / (resamples + 1),
  };
}
