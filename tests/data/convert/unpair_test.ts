import { deepStrictEqual, notDeepStrictEqual, ok } from "node:assert/strict";
import { unpair } from "lib/data/convert/pairs.ts";
import { Rng } from "lib/rng.ts";
import { textPairs } from "./preference_rows.ts";

Deno.test("unpair() labels each chosen and each rejected completion once", () => {
  const pairs = textPairs(5);
  const { rows, counts } = unpair(pairs, new Rng(0));
  deepStrictEqual(counts, { desirable: 5, undesirable: 5 });
  const said = rows.map(({ prompt, completions, label, location }) =>
    JSON.stringify([prompt, completions, label, location])
  );
  const expected = pairs.flatMap(({ prompt, completions, location }) =>
    completions.map((completion, k) =>
      JSON.stringify([prompt, [completion], k === 0, location])
    )
  );
  deepStrictEqual(said.sort(), expected.sort());
});

Deno.test("unpair() mixes the classes: no window of 32 has one alone, and no batch of an even size is out of balance", () => {
  for (const count of [200, 333, 1000]) {
    for (const seed of [0, 1, 2]) {
      const { rows } = unpair(textPairs(count), new Rng(seed));
      const desirable = (start: number, size: number) =>
        rows.slice(start, start + size).filter(({ label }) => label).length;
      for (let start = 0; start + 32 <= rows.length; start++) {
        const good = desirable(start, 32);
        ok(good > 0 && good < 32, `${good} of 32 from ${start} on`);
      }
      for (let start = 0; start + 8 <= rows.length; start += 8) {
        deepStrictEqual(desirable(start, 8), 4);
      }
    }
  }
});

Deno.test("unpair() has no two neighbours of one pair", () => {
  for (let count = 4; count < 40; count++) {
    const { rows } = unpair(textPairs(count), new Rng(count));
    rows.slice(1).forEach(({ prompt }, i) => ok(rows[i]!.prompt !== prompt));
  }
});

Deno.test("unpair() goes by the seed alone", () => {
  const at = (seed: number) => unpair(textPairs(50), new Rng(seed)).rows;
  deepStrictEqual(at(1), at(1));
  notDeepStrictEqual(at(1), at(2));
});

Deno.test("unpair() keeps a weight and each completion's score, and forgets the vote", () => {
  const [pair] = textPairs(1);
  const { rows } = unpair([
    { ...pair!, ratings: [9, 2], agreement: 0.8, weight: 0.5 },
  ], new Rng(0));
  const [desirable, undesirable] = rows.toSorted((a) => a.label ? -1 : 1);
  deepStrictEqual(desirable, {
    ...pair!,
    completions: ["good 0"],
    ratings: [9],
    weight: 0.5,
    label: true,
  });
  deepStrictEqual(undesirable!.ratings, [2]);
});
