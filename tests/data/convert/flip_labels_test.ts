import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { flipLabels } from "lib/data/convert/labels.ts";
import { Rng } from "lib/rng.ts";
import { textLabels, textList, textPairs } from "./preference_rows.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

/** The places of rows that are not what they were. */
function flippedPlaces(
  before: readonly PreferenceRow[],
  after: readonly PreferenceRow[],
): number[] {
  strictEqual(after.length, before.length);
  return [...before.keys()].filter((i) => after[i] !== before[i]);
}

Deno.test("flipLabels() flips exactly its rate of labels", () => {
  const singles = textLabels(
    Array.from({ length: 40 }, (_, i) => [`${i}`, i % 3 > 0]),
  );
  const { rows, counts } = flipLabels(singles, { rate: 0.3, rng: new Rng(0) });
  deepStrictEqual(counts, { rows: 40, flipped: 12 });
  const places = flippedPlaces(singles, rows);
  strictEqual(places.length, 12);
  for (const i of places) {
    deepStrictEqual(rows[i], { ...singles[i], label: !singles[i]!.label });
  }
});

Deno.test("flipLabels() has chosen and rejected change places; what was said of the better one is said of the other", () => {
  const pairs = textPairs(10).map((pair) => ({
    ...pair,
    ratings: [2, 1],
    agreement: 0.9,
  }));
  const { rows } = flipLabels(pairs, { rate: 0.5, rng: new Rng(0) });
  const places = flippedPlaces(pairs, rows);
  strictEqual(places.length, 5);
  for (const i of places) {
    const completions = [`bad ${i}`, `good ${i}`];
    deepStrictEqual(rows[i], { ...pairs[i], completions });
  }
});

Deno.test("flipLabels() flips at a higher rate whatever it flips at a lower one", () => {
  const pairs = textPairs(30);
  const places = (rate: number) =>
    flippedPlaces(pairs, flipLabels(pairs, { rate, rng: new Rng(1) }).rows);
  const [few, more] = [places(0.1), places(0.6)];
  deepStrictEqual([few.length, more.length], [3, 18]);
  ok(few.every((place) => more.includes(place)));
  deepStrictEqual(places(0), []);
  strictEqual(places(1).length, 30);
});

Deno.test("flipLabels() refuses a list and what is no rate", () => {
  const rng = new Rng(0);
  throws(() => flipLabels([textList(["a", "b", "c"])], { rate: 1, rng }), {
    name: "RangeError",
    message:
      "Cannot flip lists.jsonl, line 1: expected a label or a pair, found 3 completions",
  });
  throws(() => flipLabels(textPairs(3), { rate: 30, rng }), /share of 30/);
});
