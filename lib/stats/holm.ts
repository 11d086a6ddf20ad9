/**
 * The p-values of a family of tests, adjusted by Holm's step-down rule: the
 * k-th smallest of m is multiplied by m − k + 1, and none falls below a smaller
 * one. Tests whose adjusted p-value is below α have a chance of at most α to
 * hold a false rejection among them, however they depend on one another
 * (Holm 1979, https://www.jstor.org/stable/4615733).
 *
 * @returns the adjusted p-values, in the order given.
 *
 * @example
 * ```ts
 * import { holm } from "@prefgrad/prefgrad/stats";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(holm([0.5, 0.01, 0.02]), [0.5, 0.03, 0.04]);
 * ```
 *
 * @throws {RangeError} on a p-value outside [0, 1].
 */
export function holm(ps: readonly number[]): number[] {
  const bad = ps.find((p) => !(p >= 0 && p <= 1));
  if (bad !== undefined) {
    throw new RangeError(
      `Cannot adjust a p-value of ${bad}: expected one in [0, 1]`,
    );
  }
  const order = [...ps.keys()].sort((i, j) => ps[i]! - ps[j]!);
  const adjusted: number[] = [];
  let largest = 0;
  order.forEach((i, rank) => {
    largest = Math.max(largest, Math.min(1, ps[i]! * (ps.length - rank)));
    adjusted[i] = largest;
  });
  return adjusted;
}
