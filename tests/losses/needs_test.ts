import { deepStrictEqual } from "node:assert/strict";
import { lossNeeds } from "lib/losses/requirements.ts";
import { findLoss } from "lib/losses/registry.ts";

const NEEDS: readonly [string, readonly string[]][] = [
  ["dpo", ["reference", "sums over tokens"]],
  ["orpo", ["no reference", "means over tokens"]],
  ["kto", ["reference", "sums over tokens", "batch statistics"]],
  ["wpo", ["reference", "single tokens", "token distributions"]],
];

for (const [id, needs] of NEEDS) {
  Deno.test(`${id} needs ${needs.join(", ")}`, () => {
    deepStrictEqual(lossNeeds(findLoss(id)), needs);
  });
}
