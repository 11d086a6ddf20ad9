import { deepStrictEqual } from "node:assert/strict";
import { type LossOptionValue, resolveOptions } from "lib/losses/options.ts";
import {
  describeRequirements,
  lossRequirements,
} from "lib/train/requirements.ts";
import { findLoss } from "lib/losses/registry.ts";

/** What of everything a loss reads. */
function readsOf(
  id: string,
  given: Record<string, LossOptionValue> = {},
): string[] {
  const loss = findLoss(id);
  const reads = lossRequirements(loss, resolveOptions(loss, given));
  return Object.entries(reads).flatMap(([name, read]) => read ? [name] : []);
}

Deno.test("lossRequirements() finds out what a loss looks at", () => {
  deepStrictEqual(readsOf("dpo"), ["reference"]);
  deepStrictEqual(readsOf("dpo", { referenceFree: true }), []);
  deepStrictEqual(readsOf("orpo"), ["lengths"]);
  deepStrictEqual(readsOf("orpo", { nllOver: "all" }), ["lengths", "prompts"]);
  deepStrictEqual(readsOf("unlikelihood"), []);
});

Deno.test("lossRequirements() counts the reference that statistics need", () => {
  deepStrictEqual(readsOf("aot"), ["reference"]);
});

Deno.test("lossRequirements() tells single tokens from sums", () => {
  deepStrictEqual(readsOf("ld-dpo"), [
    "reference",
    "lengths",
    "tokens",
    "tokenReference",
  ]);
  deepStrictEqual(readsOf("wpo").includes("collisions"), true);
});

const NEEDS: readonly [string, readonly string[]][] = [
  ["dpo", ["reference", "sums over tokens"]],
  ["orpo", ["no reference", "sums and numbers of tokens"]],
  ["r-dpo", ["reference", "sums and numbers of tokens"]],
  ["kto", ["reference", "sums over tokens", "batch statistics"]],
  ["wpo", ["reference", "single tokens", "token distributions"]],
  ["odpo", ["reference", "sums over tokens", "ratings"]],
];

for (const [id, needs] of NEEDS) {
  Deno.test(`${id} needs ${needs.join(", ")}`, () => {
    deepStrictEqual(describeRequirements(findLoss(id)), needs);
  });
}
