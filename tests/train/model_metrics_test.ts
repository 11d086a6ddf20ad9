import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { modelMetrics } from "lib/train/metrics.ts";
import { assertClose } from "../assert_close.ts";

const pair = (chosen: number, rejected: number) => ({
  prompt: [1],
  completions: [chosen, rejected].map((n) => new Array<number>(n).fill(2)),
});

Deno.test("modelMetrics() weighs perplexity by tokens, and the rest by examples", () => {
  const found = modelMetrics([pair(1, 2), pair(3, 2)], {
    logProbs: [[-1, -4], [-7, -7]],
    refLogProbs: [[-2, -3], [-6, -9]],
    rewardScale: 0.5,
  });
  const expected = {
    "tokens/chosen": 4,
    "tokens/rejected": 4,
    "logps/chosen": -4,
    "logps/rejected": -5.5,
    "logps/margins": 1.5,
    // A tie is not accurate.
    "logps/accuracies": 0.5,
    "perplexity/chosen": Math.exp(8 / 4),
    "perplexity/rejected": Math.exp(11 / 4),
    "rewards/chosen": 0,
    "rewards/rejected": 0.25,
    "rewards/margins": -0.25,
    "rewards/accuracies": 0.5,
    "reference/logps/chosen": -4,
    "reference/logps/rejected": -6,
    "reference/logps/margins": 2,
    "reference/logps/accuracies": 1,
    "reference/perplexity/chosen": Math.exp(8 / 4),
    "reference/perplexity/rejected": Math.exp(12 / 4),
  };
  deepStrictEqual(Object.keys(found), Object.keys(expected));
  assertClose(Object.values(found), Object.values(expected), {
    tolerance: 1e-12,
  });
});

Deno.test("modelMetrics() counts scored tokens alone", () => {
  const lossMask = [[true, false, true], [true, false]];
  const found = modelMetrics([{ ...pair(3, 2), lossMask }], {
    logProbs: [[-4, -3]],
    refLogProbs: null,
    rewardScale: 1,
  });
  strictEqual(found["tokens/chosen"], 2);
  strictEqual(found["tokens/rejected"], 1);
  strictEqual(found["perplexity/chosen"], Math.exp(2));
  strictEqual(found["perplexity/rejected"], Math.exp(3));
});

Deno.test("modelMetrics() of labels compares no completions one by one, and has no empty class", () => {
  const undesirable = { prompt: [1], completions: [[2, 3]], label: false };
  const found = modelMetrics([undesirable], {
    logProbs: [[-3]],
    refLogProbs: null,
    rewardScale: 1,
  });
  deepStrictEqual(found, {
    "tokens/rejected": 2,
    "logps/rejected": -3,
    "perplexity/rejected": Math.exp(1.5),
  });
});

Deno.test("modelMetrics() of both labels of one prompt compares them", () => {
  const labels = [true, false].map((label) => ({
    ...{ prompt: [1], completions: [[2, 3]], label },
  }));
  const found = modelMetrics(labels, {
    logProbs: [[-3], [-5]],
    refLogProbs: [[-2], [-6]],
    rewardScale: 1,
  });
  deepStrictEqual(
    ["logps/margins", "logps/accuracies", "rewards/accuracies"].map((name) =>
      found[name]
    ),
    [2, 1, 0],
  );
});
