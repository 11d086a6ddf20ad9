import { deepStrictEqual, throws } from "node:assert/strict";
import { softenVotes } from "lib/data/convert/labels.ts";
import { assertClose } from "../../assert_close.ts";
import { textList, textPairs } from "./preference_rows.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

function voted(...agreements: (number | undefined)[]): PreferenceRow[] {
  return textPairs(agreements.length).map((pair, i) => {
    const agreement = agreements[i];
    return agreement === undefined ? pair : { ...pair, agreement };
  });
}

Deno.test("softenVotes() weighs a pair by its votes, and the pair the other way round by the others", () => {
  const [pair] = textPairs(1);
  const { rows, counts } = softenVotes(voted(0.75));
  deepStrictEqual(rows, [
    { ...pair, weight: 0.75 },
    { ...pair, completions: ["bad 0", "good 0"], weight: 0.25 },
  ]);
  deepStrictEqual(counts, { split: 1, unanimous: 0, withoutVotes: 0 });
});

Deno.test("softenVotes() makes one row where all agree, and leaves a pair without votes", () => {
  const [, , pair] = voted(1, 0, undefined);
  const { rows, counts } = softenVotes(voted(1, 0, undefined, 0.5));
  deepStrictEqual(
    rows.map(({ completions, weight }) => [completions[0], weight]),
    [["good 0", 1], ["bad 1", 1], ["good 2", undefined], ["good 3", 0.5], [
      "bad 3",
      0.5,
    ]],
  );
  deepStrictEqual(rows[2], pair);
  deepStrictEqual(counts, { split: 1, unanimous: 2, withoutVotes: 1 });
});

Deno.test("softenVotes() shares a pair's weight out", () => {
  const [pair] = voted(0.6);
  const { rows } = softenVotes([{ ...pair!, weight: 2 }]);
  assertClose(rows.map(({ weight }) => weight!), [1.2, 0.8]);
});

Deno.test("softenVotes() refuses what is no share of votes, and lists", () => {
  throws(() => softenVotes(voted(7)), {
    name: "RangeError",
    message:
      "Cannot weigh pairs.jsonl, line 1 by votes: its chosen completion has a share of 7, expected 0 to 1",
  });
  throws(
    () => softenVotes([textList(["a", "b", "c"])]),
    /lists.jsonl, line 1 by votes: expected a pair, found 3 completions/,
  );
});
