import { deepStrictEqual } from "node:assert/strict";
import { BatchOutputs } from "lib/train/batch_outputs.ts";
import type { Example } from "lib/data/example.ts";
import { microBatches } from "lib/data/sampler.ts";
import { findLoss } from "lib/losses/registry.ts";
import { randomExamples } from "../random_examples.ts";

const pairs = randomExamples(findLoss("dpo"), 9);
const singles = randomExamples(findLoss("kto"), 9);
/** Rows of 2, 1, 3 and 2 completions. */
const mixed: Example[] = [2, 1, 3, 2].map((count, i) => ({
  prompt: new Array(i + 1).fill(i),
  completions: Array.from(
    { length: count },
    (_, k) => new Array(k).fill(10 + i),
  ),
}));

/** What the graph would give for rows: numbers that tell whose they are. */
function outputOf(examples: readonly Example[]) {
  const tensor = (list: number[]) => ({
    data: Float32Array.from(list),
    shape: [list.length],
  });
  const completions = examples.flatMap(({ prompt, completions }) =>
    completions.map((ids) => logProbOf(prompt, ids))
  );
  const firsts = examples.map(({ prompt }) => prompt.length);
  return {
    // Prompts' log-probabilities and the padding's follow the completions'.
    logProbs: tensor([...completions, ...firsts, 0]),
    loss: tensor(firsts),
    "metric.part": tensor(firsts.map((x) => x / 4)),
  };
}

const logProbOf = (prompt: readonly number[], ids: readonly number[]) =>
  -(prompt[0]! + 16 * ids.length + 128 * (ids[0] ?? 0));

Deno.test("BatchOutputs spreads what a loss gives a completion over its scored tokens", () => {
  const row = { prompt: [1], completions: [[2, 3, 4], [5, 6]] };
  const lossMask = [[true, false, true], [false, false]];
  const tensor = { data: Float32Array.of(-6, 6), shape: [2] };
  const output = { loss: tensor, logProbs: tensor, logProbGradients: tensor };
  const outputs = new BatchOutputs();
  outputs.add([row], output);
  outputs.add([{ ...row, lossMask }], output);
  deepStrictEqual(outputs.logProbGradients, [[2, 3], [3, 6]]);
});

for (const [name, examples] of Object.entries({ pairs, singles, mixed })) {
  Deno.test(`BatchOutputs joins micro-batches, however they are cut: ${name}`, () => {
    const expected = examples.map(({ prompt, completions }) =>
      completions.map((ids) => logProbOf(prompt, ids))
    );
    const losses = examples.map(({ prompt }) => prompt.length);
    const meanLoss = losses.reduce((a, b) => a + b) / losses.length;
    for (const budget of [1, 25, 40, 1000]) {
      const outputs = new BatchOutputs();
      for (const [start, end] of microBatches(examples, budget)) {
        const part = examples.slice(start, end);
        outputs.add(part, outputOf(part));
      }
      deepStrictEqual(outputs.logProbs, expected);
      deepStrictEqual(outputs.losses, losses);
      deepStrictEqual(outputs.metricMeans(), { part: meanLoss / 4 });
    }
  });
}
