import { deepStrictEqual } from "node:assert/strict";
import { scoredKeys, scoredLengths } from "lib/data/example.ts";

const completions = [[5, 6, 7], [8], []];

Deno.test("all tokens of a completion are scored where nothing else is said", () => {
  deepStrictEqual(scoredLengths({ completions }), [3, 1, 0]);
  deepStrictEqual(scoredKeys({ completions }), ["", "", ""]);
});

Deno.test("a completion of which some tokens are scored is as long as those", () => {
  const scored = [[true, false, true], [false], []];
  deepStrictEqual(scoredLengths({ completions, scored }), [2, 0, 0]);
  deepStrictEqual(scoredKeys({ completions, scored }), ["101", "0", ""]);
});

Deno.test("marks on every token say as much as none", () => {
  const scored = [[true, true, true], [true], []];
  deepStrictEqual(scoredLengths({ completions, scored }), [3, 1, 0]);
  deepStrictEqual(scoredKeys({ completions, scored }), ["", "", ""]);
});
