import { deepStrictEqual, ok } from "node:assert/strict";
import { inOrder, shared, sharesOf } from "lib/distributed/shares.ts";
import { Rng } from "lib/rng.ts";
import { onEveryRank } from "./local_groups.ts";

const rng = new Rng("shares");
const COSTS = Array.from({ length: 23 }, () => 1 + rng.integer(500));

for (const ranks of [1, 2, 3, 4, 30]) {
  Deno.test(`shares of ${ranks} ranks have every item once, in order`, () => {
    const shares = sharesOf(COSTS, ranks);
    deepStrictEqual(shares.length, ranks);
    deepStrictEqual(shares.flat().sort((a, b) => a - b), [...COSTS.keys()]);
    for (const share of shares) {
      deepStrictEqual(share, share.toSorted((a, b) => a - b));
    }
  });

  Deno.test(`a value of each item comes back in order from ${ranks} ranks`, async () => {
    const texts = await onEveryRank(ranks, (group) =>
      shared(COSTS, {
        group,
        cost: (cost) => cost,
        compute: (share) => Promise.resolve(share.map((cost) => `${cost}`)),
      }));
    const expected = COSTS.map((cost) => `${cost}`);
    deepStrictEqual(texts, Array(ranks).fill(expected));
  });
}

Deno.test("the costs of shares differ by less than the cheapest of the largest", () => {
  const shares = sharesOf(COSTS, 4);
  const sums = shares.map((share) =>
    share.reduce((sum, i) => sum + COSTS[i]!, 0)
  );
  const largest = sums.indexOf(Math.max(...sums));
  const cheapest = Math.min(...shares[largest]!.map((i) => COSTS[i]!));
  // Its last item was its cheapest, and came when it had the least.
  ok(Math.max(...sums) - Math.min(...sums) <= cheapest);
});

Deno.test("lists of shares are put in order, where a share is empty too", () => {
  deepStrictEqual(inOrder([[0, 2], [], [1]], [["a", "c"], [], ["b"]]), [
    "a",
    "b",
    "c",
  ]);
});
