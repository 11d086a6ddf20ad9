import { deepStrictEqual, throws } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import { findLoss } from "lib/losses/registry.ts";
import { exampleWeights, rowOf } from "lib/train/examples.ts";
import { randomExamples } from "../random_examples.ts";

const DPO = findLoss("dpo");
const KTO = findLoss("kto");
const SFT = findLoss("sft");

const pairs = randomExamples(DPO, 9);
const singles = randomExamples(KTO, 9);

Deno.test("rowOf() has the tokens of an example, for a loss of completions those of the first", () => {
  const { ratings: _ratings, ...pair } = pairs[0] as Example;
  deepStrictEqual(rowOf(pairs[0]!, DPO), pair);
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
  const { label: _label, ratings: _rating, ...row } = singles[0]!;
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

Deno.test("exampleWeights() refuses weights that have no mean", () => {
  deepStrictEqual(exampleWeights([{}, { weight: 0 }]), [1, 0]);
  for (const weight of [-1, NaN, Infinity]) {
    throws(() => exampleWeights([{}, { weight }]), {
      name: "RangeError",
      message: `Cannot weigh example 1 by ${weight}: expected a ` +
        "finite number of at least 0",
    });
  }
  throws(() => exampleWeights([{ weight: 0 }, { weight: 0 }]), {
    message:
      "Cannot average over 2 examples whose weights are all 0: expected one above 0",
  });
});
