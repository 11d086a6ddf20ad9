import { strictEqual } from "node:assert/strict";
import { LocationNumbers } from "lib/data/analyse/repeats.ts";

Deno.test("places are numbers and become text again", () => {
  const places = new LocationNumbers();
  const third = places.number("a, b.jsonl, line 3");
  const big = places.number("c.parquet, row 123456789");
  strictEqual(places.text(third, "a, b.jsonl, line 9"), "line 3");
  strictEqual(
    places.text(big, "a, b.jsonl, line 9"),
    "c.parquet, row 123456789",
  );
});

Deno.test("a place without a number is another", () => {
  const places = new LocationNumbers();
  strictEqual(places.text(places.number("somewhere"), "x"), "another");
});
