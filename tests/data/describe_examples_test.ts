import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  describeExamples,
  type Example,
  type ExampleSet,
  hashExamples,
} from "lib/data/example.ts";

const counts: ExampleSet["counts"] = {
  rows: 3,
  dropped: {
    emptyPrompt: 0,
    emptyCompletion: 1,
    longPrompt: 0,
    longCompletion: 0,
    spanned: 0,
    rewritten: 0,
  },
  truncated: 0,
  truncatedPrompts: 0,
  boundaryShifted: 0,
  unterminated: 0,
  doubledEos: 0,
  withoutBos: 0,
  doubledBos: 0,
  specialInText: 0,
  systemDropped: 0,
  places: {},
};
const PAIR: Example = { prompt: [1, 5], completions: [[6, 7, 2], [8, 2]] };
const GOOD: Example = { prompt: [1, 5], completions: [[6, 7, 2]], label: true };
const BAD: Example = { prompt: [1], completions: [[8, 2]], label: false };

const pairs = (...examples: Example[]): ExampleSet => ({
  kind: "pairs",
  examples,
  counts,
});

Deno.test("describeExamples() counts labels and tokens", () => {
  const set: ExampleSet = { kind: "labels", examples: [GOOD, BAD], counts };
  deepStrictEqual(describeExamples(set), {
    kind: "labels",
    examples: 2,
    labels: { desirable: 1, undesirable: 1 },
    promptTokens: { min: 1, median: 1, max: 2, total: 3 },
    completionTokens: { min: 2, median: 2, max: 3, total: 5 },
    counts,
    hash: hashExamples(set),
  });
  strictEqual(describeExamples(pairs(PAIR)).labels, null);
});

Deno.test("hashExamples() is the SHA-256 of one JSON line an example", () => {
  // printf '[[1,5],[[6,7,2],[8,2]],null]\n' | sha256sum
  strictEqual(
    hashExamples(pairs(PAIR)),
    "b4cb3760b1f65f9545a75ca42a4781a8bb2f96927962e90a77fead553539f9af",
  );
});

Deno.test("hashExamples() of marks on every token is that of none", () => {
  const lossMask = [[true, true, true], [true, true]];
  strictEqual(
    hashExamples(pairs({ ...PAIR, lossMask })),
    hashExamples(pairs(PAIR)),
  );
});

Deno.test("hashExamples() tells ids, boundaries, marks, labels and order apart", () => {
  const sets = [
    [PAIR, GOOD],
    [GOOD, PAIR],
    [PAIR, { ...GOOD, label: false }],
    [{ prompt: [1], completions: [[5, 6, 7, 2], [8, 2]] }, GOOD],
    [{ prompt: [1, 5], completions: [[6, 7], [2, 8, 2]] }, GOOD],
    [{ prompt: [1, 5], completions: [[6, 7, 3], [8, 2]] }, GOOD],
    [{ ...PAIR, lossMask: [[true, true, false], [true, true]] }, GOOD],
    [{ ...PAIR, lossMask: [[true, true, true], [true, false]] }, GOOD],
  ].map((examples) => hashExamples(pairs(...examples)));
  strictEqual(new Set(sets).size, sets.length);
});
