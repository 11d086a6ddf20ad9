import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { keepShares } from "lib/data/convert/labels.ts";
import { Rng } from "lib/rng.ts";
import { textLabels } from "./preference_rows.ts";

const singles = textLabels(
  Array.from({ length: 60 }, (_, i) => [`${i}`, i % 3 > 0]),
);

Deno.test("keepShares() keeps exactly a share of each class, in order", () => {
  const { rows, counts } = keepShares(
    singles,
    { desirable: 0.25, undesirable: 0.5 },
    new Rng(0),
  );
  deepStrictEqual(counts, { desirable: 10, undesirable: 10, leftOut: 40 });
  strictEqual(rows.filter(({ label }) => label).length, 10);
  strictEqual(rows.length, 20);
  const places = rows.map((row) => singles.indexOf(row));
  deepStrictEqual(places, places.toSorted((a, b) => a - b));
});

Deno.test("keepShares() leaves a class of which nothing is said as it is", () => {
  const { rows } = keepShares(singles, { undesirable: 0 }, new Rng(0));
  deepStrictEqual(rows, singles.filter(({ label }) => label));
});

Deno.test("keepShares() keeps of a smaller share nothing that a larger one has not", () => {
  const kept = (desirable: number) =>
    keepShares(singles, { desirable }, new Rng(3)).rows;
  const [few, more] = [kept(0.2), kept(0.7)];
  ok(few.every((row) => more.includes(row)));
});

Deno.test("keepShares() refuses what is no share", () => {
  for (const desirable of [-0.1, 1.1, NaN]) {
    throws(() => keepShares(singles, { desirable }, new Rng(0)), {
      name: "RangeError",
      message:
        `Cannot take a share of ${desirable}: expected a number from 0 to 1`,
    });
  }
});
