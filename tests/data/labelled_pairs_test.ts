import { deepStrictEqual } from "node:assert/strict";
import { examplesFor } from "lib/data/examples_for_loss.ts";
import { labelledPairs, pairsTogether } from "lib/data/labelled_pairs.ts";
import { findLoss } from "lib/losses/registry.ts";
import { randomExamples } from "../random_examples.ts";

const single = (prompt: number, label?: boolean) => ({
  ...{ prompt: [prompt], completions: [[5]] },
  ...label !== undefined && { label },
});

Deno.test("labelledPairs() takes both labels of one prompt, in their order", () => {
  const examples = [
    ...[single(1, true), single(2, false), single(1, true), single(3, true)],
    ...[single(1, false), single(2, true), single(1, false), single(1, false)],
  ];
  deepStrictEqual(labelledPairs(examples), [[0, 4], [2, 6], [5, 1]]);
});

Deno.test("labelledPairs() finds the pairs that labels were made of", () => {
  const pairs = randomExamples(findLoss("dpo"), 8);
  const labels = examplesFor({ kind: "pairs", examples: pairs }, "labels");
  deepStrictEqual(
    labelledPairs(labels),
    pairs.map((_, i) => [2 * i, 2 * i + 1]),
  );
});

Deno.test("labelledPairs() makes none of what has no label or no prompt", () => {
  const pairs = randomExamples(findLoss("dpo"), 2);
  deepStrictEqual(labelledPairs([...pairs, single(1), single(1)]), []);
  deepStrictEqual(labelledPairs([{ label: true }, { label: false }]), []);
});

Deno.test("pairsTogether() moves each completion to the other one of its pair", () => {
  const [a, b, c] = [single(1, false), single(2, true), single(1, true)];
  const [d, e] = [single(2, true), single(2, false)];
  deepStrictEqual(pairsTogether([a, b, c, d, e]), [a, c, b, e, d]);
  const pairs = randomExamples(findLoss("dpo"), 3);
  deepStrictEqual(pairsTogether(pairs), pairs);
});
