import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { examplesFor } from "lib/data/examples_for_loss.ts";
import type { Example } from "lib/data/example.ts";

const pair: Example = { prompt: [1], completions: [[2], [3]] };
const list: Example = { prompt: [1], completions: [[2], [3], [4]] };
const good: Example = { prompt: [1], completions: [[2]], label: true };
const bad: Example = { prompt: [5], completions: [[3]], label: false };

Deno.test("examplesFor() leaves what is wanted as it is", () => {
  for (const kind of ["pairs", "labels", "ranks"] as const) {
    const examples = [pair];
    strictEqual(examplesFor({ kind, examples }, kind), examples);
  }
});

Deno.test("a pair is two labelled completions, or a list of two", () => {
  const pairs = { kind: "pairs", examples: [pair] } as const;
  deepStrictEqual(examplesFor(pairs, "labels"), [
    { prompt: [1], completions: [[2]], label: true },
    { prompt: [1], completions: [[3]], label: false },
  ]);
  deepStrictEqual(examplesFor(pairs, "ranks"), [pair]);
  deepStrictEqual(examplesFor(pairs, "completions"), [pair]);
});

Deno.test("a labelled completion keeps its pair's weight, its rating, and the marks of what is scored", () => {
  const marked: Example = {
    prompt: [1],
    completions: [[2, 3], [4]],
    lossMask: [[false, true], [true]],
    weight: 0.5,
    ratings: [9, 2],
  };
  deepStrictEqual(
    examplesFor({ kind: "pairs", examples: [marked] }, "labels"),
    [
      {
        prompt: [1],
        completions: [[2, 3]],
        lossMask: [[false, true]],
        weight: 0.5,
        ratings: [9],
        label: true,
      },
      {
        prompt: [1],
        completions: [[4]],
        lossMask: [[true]],
        weight: 0.5,
        ratings: [2],
        label: false,
      },
    ],
  );
});

Deno.test("single completions to imitate are the desirable ones, or whole lists", () => {
  const labels = { kind: "labels", examples: [good, bad] } as const;
  deepStrictEqual(examplesFor(labels, "completions"), [good]);
  const ranks = { kind: "ranks", examples: [list] } as const;
  deepStrictEqual(examplesFor(ranks, "completions"), [list]);
});

Deno.test("what nobody said is not made up, and what can be is named", () => {
  const labels = { kind: "labels", examples: [good, bad] } as const;
  const ranks = { kind: "ranks", examples: [list] } as const;
  throws(() => examplesFor(labels, "pairs"), {
    name: "RangeError",
    message:
      "Cannot make pairs of labels: the loss needs a chosen and a rejected completion of each prompt; " +
      "where prompts repeat, pairs can be made before: state pairLabels",
  });
  throws(() => examplesFor(labels, "ranks"), /Cannot make ranks of labels/);
  throws(
    () => examplesFor(ranks, "pairs"),
    /Cannot make pairs of ranks: .*; pairs can be made before: state pairs all, best-worst or adjacent$/,
  );
  throws(() => examplesFor(ranks, "labels"), /Cannot make labels of ranks/);
});
