/** A share with its interval. */
export interface BinomialInterval {
  /** The number of cases that count. */
  count: number;
  /** The number of all cases. */
  of: number;
  /** Lower end of the interval of the share. */
  low: number;
  /** Upper end of the interval of the share. */
  high: number;
}

/**
 * The interval of Clopper and Pearson for a share: the shares under which
 * neither so many nor so few cases are rarer than (1 − confidence) / 2
 * (https://doi.org/10.1093/biomet/26.4.404). It covers the true share at least
 * as often as it says for any number of cases, also where none or all count.
 * The cases must be independent: draws of a model, not the seeds of one draw.
 *
 * @param confidence that such an interval covers the share. @default 0.95
 *
 * @example None of 20 runs away: the share is still up to 17 %
 * ```ts
 * import { binomialInterval } from "@prefgrad/prefgrad/stats";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(binomialInterval(0, 20).high.toFixed(3), "0.168");
 * ```
 *
 * @throws {RangeError} if `count` and `of` are not whole numbers with
 * 0 ≤ count ≤ of and 1 ≤ of.
 */
export function binomialInterval(
  count: number,
  of: number,
  confidence = 0.95,
): BinomialInterval {
  const areWhole = Number.isInteger(count) && Number.isInteger(of);
  if (!areWhole || count < 0 || count > of || of < 1) {
    throw new RangeError(
      `Cannot take the share of ${count} in ${of}: expected whole numbers with 0 ≤ count ≤ of and 1 ≤ of`,
    );
  }
  const tail = (1 - confidence) / 2;
  const high = (successes: number) =>
    successes === of ? 1 : shareWhere(
      (share) => atMost(successes, { of, share }) > tail,
    );
  // The lower end is the upper end of the share of the other cases.
  return { count, of, low: 1 - high(of - count), high: high(count) };
}

/** The largest share with a property that only smaller shares have. */
function shareWhere(holds: (share: number) => boolean): number {
  let [low, high] = [0, 1];
  for (
    let middle = 0.5;
    low < middle && middle < high;
    middle = (low + high) / 2
  ) {
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** P(at most `count` of `of` cases), summed in logarithms: no term overflows. */
function atMost(
  count: number,
  { of, share }: { of: number; share: number },
): number {
  let logTerm = of * Math.log1p(-share);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= count; k++) {
    logTerm += Math.log((of - k + 1) / k * share / (1 - share));
    sum += Math.exp(logTerm);
  }
  return sum;
}
