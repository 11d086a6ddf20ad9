import { deepStrictEqual } from "node:assert/strict";
import { pairRanked, type RankedPairs } from "lib/data/convert/pairs.ts";
import { textList } from "./preference_rows.ts";

const list = ["a", "b", "c", "d"];

function pairsOf(pairs: RankedPairs, ratings?: readonly number[]) {
  const { rows, counts } = pairRanked([textList(list, ratings)], { pairs });
  return { pairs: rows.map(({ completions }) => completions), counts };
}

Deno.test("a ranked list makes pairs of all, of its ends, or of neighbours", () => {
  const expected: Record<RankedPairs, string[]> = {
    "all": ["ab", "ac", "ad", "bc", "bd", "cd"],
    "best-worst": ["ad"],
    "adjacent": ["ab", "bc", "cd"],
  };
  for (const [pairs, completions] of Object.entries(expected)) {
    deepStrictEqual(pairsOf(pairs as RankedPairs), {
      pairs: completions.map((pair) => [...pair]),
      counts: {
        lists: 1,
        pairs: completions.length,
        ties: 0,
        listsWithoutPair: 0,
      },
    });
  }
});

Deno.test("equal scores make no pair, and are counted", () => {
  deepStrictEqual(pairsOf("all", [3, 2, 2, 1]).pairs, [
    ["a", "b"],
    ["a", "c"],
    ["a", "d"],
    ["b", "d"],
    ["c", "d"],
  ]);
  deepStrictEqual(pairsOf("adjacent", [3, 2, 2, 1]), {
    pairs: [["a", "b"], ["c", "d"]],
    counts: { lists: 1, pairs: 2, ties: 1, listsWithoutPair: 0 },
  });
  deepStrictEqual(pairsOf("best-worst", [1, 1, 1, 1]), {
    pairs: [],
    counts: { lists: 1, pairs: 0, ties: 1, listsWithoutPair: 1 },
  });
});

Deno.test("a pair of a list has its own scores, and the list's prompt and place", () => {
  const { rows } = pairRanked([textList(list, [4, 3, 2, 1])], {
    pairs: "best-worst",
  });
  deepStrictEqual(rows, [textList(["a", "d"], [4, 1])]);
});
