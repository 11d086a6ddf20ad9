import { strictEqual } from "node:assert/strict";
import { nearest } from "lib/cli/nearest.ts";

const NAMES = ["dpo", "ipo", "orpo", "simpo", "kto-pairwise"];

/** A text, and the name that it is nearest to. */
const CASES: readonly [string, string | undefined][] = [
  ["dpo", "dpo"],
  ["DPO", "dpo"],
  ["dop", "dpo"],
  ["ddpo", "dpo"],
  ["ripo", "ipo"],
  ["sipmo", "simpo"],
  ["kto_pairwize", "kto-pairwise"],
  ["d", undefined],
  ["", undefined],
  ["hinge", undefined],
];

for (const [text, name] of CASES) {
  Deno.test(`nearest() takes "${text}" for ${name ?? "none of the names"}`, () => {
    strictEqual(nearest(text, NAMES), name);
  });
}
