import { deepStrictEqual } from "node:assert/strict";
import { lossLengths, lossMaskKeys } from "lib/data/example.ts";

const completions = [[5, 6, 7], [8], []];

Deno.test("all tokens of a completion are scored where nothing else is said", () => {
  deepStrictEqual(lossLengths({ completions }), [3, 1, 0]);
  deepStrictEqual(lossMaskKeys({ completions }), ["", "", ""]);
});

Deno.test("a completion of which some tokens are scored is as long as those", () => {
  const lossMask = [[true, false, true], [false], []];
  deepStrictEqual(lossLengths({ completions, lossMask }), [2, 0, 0]);
  deepStrictEqual(lossMaskKeys({ completions, lossMask }), ["101", "0", ""]);
});

Deno.test("marks on every token say as much as none", () => {
  const lossMask = [[true, true, true], [true], []];
  deepStrictEqual(lossLengths({ completions, lossMask }), [3, 1, 0]);
  deepStrictEqual(lossMaskKeys({ completions, lossMask }), ["", "", ""]);
});
