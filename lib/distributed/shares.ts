import type { Group } from "./group.ts";

/** The numbers of the items that each rank takes, in their own order. */
export type Shares = readonly (readonly number[])[];

/**
 * Shares items out so that the sums of their costs are nearly equal: the most
 * costly item first, each to the rank that has the least so far. It depends on
 * nothing except the costs, so that all ranks make the same shares.
 */
export function sharesOf(costs: readonly number[], ranks: number): Shares {
  const shares = Array.from({ length: ranks }, () => ({
    items: new Array<number>(),
    cost: 0,
  }));
  const costliestFirst = [...costs.keys()]
    .sort((a, b) => costs[b]! - costs[a]! || a - b);
  const leastFirst = [...shares];
  for (const item of costliestFirst) {
    const least = leastFirst.shift()!;
    least.items.push(item);
    least.cost += costs[item]!;
    leastFirst.splice(placeOf(least.cost, leastFirst), 0, least);
  }
  return shares.map(({ items }) => items.sort((a, b) => a - b));
}

/** The place of a cost after all that are not above it. */
function placeOf(cost: number, sorted: readonly { cost: number }[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.cost > cost) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Puts lists with a value for each item of a share into the order of all items. */
export function inOrder<T>(
  shares: Shares,
  lists: readonly (readonly T[])[],
): T[] {
  const all: T[] = [];
  for (const [rank, list] of lists.entries()) {
    list.forEach((value, i) => all[shares[rank]![i]!] = value);
  }
  return all;
}

/**
 * Computes a value of each item, each on one rank, and gives all of them to
 * every rank.
 *
 * @param options `cost` of an item; `compute` gives the values of a share.
 */
export async function shared<T, R>(
  items: readonly T[],
  { group, cost, compute }: {
    group: Group;
    cost: (item: T) => number;
    compute: (share: readonly T[]) => Promise<readonly R[]>;
  },
): Promise<R[]> {
  const shares = sharesOf(items.map(cost), group.size);
  const own = shares[group.rank]!.map((i) => items[i]!);
  return inOrder(shares, await group.gather(await compute(own)));
}
