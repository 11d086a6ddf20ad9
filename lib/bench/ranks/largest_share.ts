import { sharesOf } from "../../distributed/shares.ts";

/** The part of the sum of costs that the busiest of some ranks has. */
export function largestShare(costs: readonly number[], ranks: number): number {
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const sums = sharesOf(costs, ranks).map((share) =>
    sum(share.map((i) => costs[i]!))
  );
  return sums.reduce((a, b) => Math.max(a, b)) / sum(costs);
}
