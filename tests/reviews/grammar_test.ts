import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import {
  accepts,
  anyOf,
  choice,
  entropy,
  type Grammar,
  lawOf,
  sampleWords,
  terminals,
} from "experiments/reviews/grammar.ts";

/** "a x" 3/8, "a y" 3/8, "b" 1/4, each with a full stop. */
const SMALL: Grammar = [
  choice([3, ["a", anyOf(["x", "y"])]], [1, "b"]),
  ".",
];

Deno.test("sampleWords() draws each sentence as often as its weights say", () => {
  const rng = new Rng(0);
  const counts = new Map<string, number>();
  for (let i = 0; i < 8000; i++) {
    const sentence = sampleWords(SMALL, rng).join(" ");
    counts.set(sentence, (counts.get(sentence) ?? 0) + 1);
  }
  deepStrictEqual([...counts.keys()].sort(), ["a x .", "a y .", "b ."]);
  // Four standard deviations of such a count are below 180.
  for (
    const [sentence, expected] of [["a x .", 3000], ["b .", 2000]] as const
  ) {
    const count = counts.get(sentence)!;
    ok(Math.abs(count - expected) < 180, `"${sentence}" came ${count} times`);
  }
});

Deno.test("lawOf() has every sentence, with its probability", () => {
  const law = { "a x .": 3 / 8, "a y .": 3 / 8, "b .": 1 / 4 };
  deepStrictEqual(Object.fromEntries(lawOf(SMALL)), law);
  const twice = choice([1, "a"], [2, anyOf(["a", "b b"])]);
  assertClose([...lawOf(twice).values()], [2 / 3, 1 / 3]);
});

Deno.test("sampleWords() reaches the last choice at the end of the range", () => {
  deepStrictEqual(
    sampleWords(SMALL, { uniform: () => 1 - 2 ** -53 }),
    ["b", "."],
  );
});

Deno.test("accepts() takes what the grammar produces and nothing else", () => {
  const judge = (text: string) => accepts(SMALL, text.split(" "));
  deepStrictEqual(["a x .", "a y .", "b ."].map(judge), [true, true, true]);
  deepStrictEqual(
    ["a x", "a .", "a x . .", "b a x .", "x a .", "", "a x y ."].map(judge),
    [false, false, false, false, false, false, false],
  );
  strictEqual(accepts(SMALL, []), false);
});

Deno.test("accepts() tries every way to split the words", () => {
  const grammar = [anyOf(["a", "a b"]), anyOf(["b c", "c"])];
  for (const text of ["a c", "a b c", "a b b c"]) {
    ok(accepts(grammar, text.split(" ")), text);
  }
  ok(!accepts(grammar, ["a", "b"]));
});

Deno.test("entropy() is −Σ p log p over sentences", () => {
  const p = [3 / 8, 3 / 8, 1 / 4];
  const expected = p.reduce((h, q) => h - q * Math.log(q), 0);
  ok(Math.abs(entropy(SMALL) - expected) < 1e-12);
  strictEqual(entropy("only this"), 0);
});

Deno.test("terminals() lists each word once", () => {
  deepStrictEqual([...terminals([SMALL, "x a z"])], [
    "a",
    "x",
    "y",
    "b",
    ".",
    "z",
  ]);
});
