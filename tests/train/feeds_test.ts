import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import { treeBatch } from "lib/data/tree_batch.ts";
import { findLoss } from "lib/losses/registry.ts";
import {
  exampleFeeds,
  rowOf,
  scalarFeeds,
  sequenceFeeds,
  totalFeeds,
  weightsOf,
} from "lib/train/feeds.ts";
import { randomExamples } from "../random_examples.ts";

const DPO = findLoss("dpo");
const KTO = findLoss("kto");
const SFT = findLoss("sft");

const pairs = randomExamples(DPO, 9);
const singles = randomExamples(KTO, 9);
/** Rows of 2, 1, 3 and 2 completions. */
const mixed: Example[] = [2, 1, 3, 2].map((count, i) => ({
  prompt: new Array(i + 1).fill(i),
  completions: Array.from(
    { length: count },
    (_, k) => new Array(k).fill(10 + i),
  ),
}));

Deno.test("rowOf() is the whole example, but the first completion for a loss of those", () => {
  const [pair] = pairs as [Example];
  deepStrictEqual(rowOf(pair, DPO), pair);
  deepStrictEqual(rowOf(pair, SFT), {
    prompt: pair.prompt,
    completions: [pair.completions[0]],
  });
  const lossMask = pair.completions.map((ids) => ids.map((_, i) => i === 0));
  deepStrictEqual(rowOf({ ...pair, lossMask }, DPO), { ...pair, lossMask });
  deepStrictEqual(
    rowOf({ ...pair, lossMask }, SFT).lossMask,
    lossMask.slice(0, 1),
  );
  const { label: _, ...row } = singles[0]!;
  deepStrictEqual(rowOf(singles[0]!, KTO), row);
});

Deno.test("rowOf() refuses an example that is not what the loss is about", () => {
  throws(() => rowOf(singles[0]!, DPO), {
    name: "RangeError",
    message:
      'Cannot use an example of 1 completions for loss "dpo": expected 2',
  });
  throws(
    () => rowOf(pairs[0]!, KTO),
    /2 completions for loss "kto": expected 1/,
  );
  throws(() => rowOf({ prompt: [1], completions: [] }, SFT), /0 completions/);
});

Deno.test("totalFeeds() counts what a loss may divide by", () => {
  const rows = [
    { prompt: [1, 2, 3], completions: [[4, 5], [6, 7, 8]] },
    {
      prompt: [1],
      completions: [[4, 5, 6, 7, 8]],
      lossMask: [[true, true, false, true, true]],
    },
  ];
  deepStrictEqual(totalFeeds(rows), {
    examples: { data: Float32Array.of(2), shape: [] },
    completionTokens: { data: Float32Array.of(6), shape: [] },
    promptTokens: { data: Float32Array.of(2), shape: [] },
  });
});

Deno.test("totalFeeds() counts an example as often as it weighs", () => {
  const rows = [
    { prompt: [1, 2, 3], completions: [[4, 5]], weight: 0.5 },
    { prompt: [1, 2], completions: [[4, 5, 6, 7]], weight: 3 },
    { prompt: [1], completions: [[4]] },
    { prompt: [1, 2], completions: [[4]], label: false, weight: 2 },
  ];
  deepStrictEqual(totalFeeds(rows), {
    examples: { data: Float32Array.of(6.5), shape: [] },
    completionTokens: { data: Float32Array.of(14), shape: [] },
    promptTokens: { data: Float32Array.of(6), shape: [] },
  });
});

Deno.test("weightsOf() refuses weights that have no mean", () => {
  deepStrictEqual(weightsOf([{}, { weight: 0 }]), [1, 0]);
  for (const weight of [-1, NaN, Infinity]) {
    throws(() => weightsOf([{}, { weight }]), {
      name: "RangeError",
      message: `Cannot weigh example 1 of a batch by ${weight}: expected a ` +
        "finite number of at least 0",
    });
  }
  throws(() => weightsOf([{ weight: 0 }, { weight: 0 }]), {
    message:
      "Cannot average over a batch of 2 examples whose weights are all 0",
  });
});

Deno.test("scalarFeeds() feeds the numbers under their new names, and nothing else", () => {
  deepStrictEqual(
    scalarFeeds({ beta: 0.5, klPairing: "next", flag: true }, (s) => `a.${s}`),
    { "a.beta": { data: Float32Array.of(0.5), shape: [] } },
  );
});

for (const [name, examples] of Object.entries({ pairs, singles, mixed })) {
  Deno.test(`exampleFeeds() finds the sequences of a tree batch: ${name}`, () => {
    const rows = examples.map(({ prompt, completions }) => ({
      prompt,
      completions,
    }));
    const { lengths } = treeBatch(rows, { scorePrompts: true });
    const { first, second, prompts } = exampleFeeds(rows, examples);
    // By brute force: every sequence's row and place in it, in tree order.
    const all = rows.flatMap(({ completions }, row) =>
      completions.map((_, place) => ({ row, place }))
    );
    for (const row of rows.keys()) {
      deepStrictEqual(all[first!.data[row]!], { row, place: 0 });
      strictEqual(
        lengths[prompts!.data[row]!],
        rows[row]!.prompt.length - 1,
      );
      if (rows[row]!.completions.length > 1) {
        deepStrictEqual(all[second!.data[row]!], { row, place: 1 });
      }
    }
    deepStrictEqual(
      [...prompts!.data],
      [...rows.keys()].map((row) => all.length + row),
    );
  });
}

Deno.test("exampleFeeds() marks desirable completions; the chosen of pairs are", () => {
  const marks = (examples: Example[]) => [
    ...exampleFeeds(examples, examples)["desirable"]!.data,
  ];
  deepStrictEqual(marks(pairs), pairs.map(() => 1));
  deepStrictEqual(marks(singles), singles.map(({ label }) => label ? 1 : 0));
  strictEqual(new Set(marks(singles)).size, 2);
});

Deno.test("sequenceFeeds() has zeros for prompts' references and for the padding", () => {
  deepStrictEqual(sequenceFeeds([3, 1, 2, 5], [-3, -1, -2]), {
    lengths: { data: Float32Array.of(3, 1, 2, 5, 0), shape: [5] },
    reference: { data: Float32Array.of(-3, -1, -2, 0, 0), shape: [5] },
  });
  deepStrictEqual(
    sequenceFeeds([3, 1], [])["reference"],
    { data: new Float32Array(3), shape: [3] },
  );
});
