import { deepStrictEqual } from "node:assert/strict";
import { type LossOptionValue, resolveOptions } from "lib/losses/options.ts";
import { lossReads } from "lib/losses/requirements.ts";
import { findLoss } from "lib/losses/registry.ts";

/** What of everything a loss reads. */
function readsOf(
  id: string,
  given: Record<string, LossOptionValue> = {},
): string[] {
  const loss = findLoss(id);
  const reads = lossReads(loss, resolveOptions(loss, given));
  return Object.entries(reads).flatMap(([name, read]) => read ? [name] : []);
}

Deno.test("lossReads() finds out what a loss looks at", () => {
  deepStrictEqual(readsOf("dpo"), ["reference"]);
  deepStrictEqual(readsOf("dpo", { referenceFree: true }), []);
  deepStrictEqual(readsOf("orpo"), ["lengths"]);
  deepStrictEqual(readsOf("orpo", { nllOver: "all" }), ["lengths", "prompts"]);
  deepStrictEqual(readsOf("unlikelihood"), []);
});

Deno.test("lossReads() counts the reference that statistics need", () => {
  deepStrictEqual(readsOf("aot"), ["reference"]);
});

Deno.test("lossReads() tells single tokens from sums", () => {
  deepStrictEqual(readsOf("ld-dpo"), [
    "reference",
    "lengths",
    "tokens",
    "tokenReference",
  ]);
  deepStrictEqual(readsOf("wpo").includes("collisions"), true);
});
