import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { batchMetrics, logProbsByPreference, mean } from "lib/train/metrics.ts";
import { assertClose } from "../assert_close.ts";

const scored = (pairs: readonly [number, number][]) =>
  pairs.map(([logProb, refLogProb]) => ({ logProb, refLogProb }));

/** Log-ratios 1, −2, 3 and 0.5, −2, 4: one pair of three is told apart. */
const CHOSEN = scored([[-4, -5], [-7, -5], [-2, -5]]);
const REJECTED = scored([[-3.5, -4], [-8, -6], [-1, -5]]);

/** Examples that are pairs: each of the first list with one of the second. */
const paired = <T>(chosen: readonly T[], rejected: readonly T[]) => ({
  ...{ chosen, rejected, paired: true },
  pairs: chosen.map((w, i) => [w, rejected[i]!] as const),
});

Deno.test("batchMetrics() gives means of pairs, rewards in units of β", () => {
  const found = batchMetrics(paired(CHOSEN, REJECTED), 0.5);
  const expected = {
    "logps/chosen": -13 / 3,
    "logps/rejected": -12.5 / 3,
    "rewards/chosen": 0.5 * 2 / 3,
    "rewards/rejected": 0.5 * 2.5 / 3,
    "rewards/margins": 0.5 * (0.5 + 0 - 1) / 3,
    // A tie is not accurate.
    "rewards/accuracies": 1 / 3,
  };
  deepStrictEqual(Object.keys(found), Object.keys(expected));
  assertClose(Object.values(found), Object.values(expected), {
    tolerance: 1e-12,
  });
});

Deno.test("batchMetrics() of examples that are no pairs compares means", () => {
  const found = batchMetrics(
    {
      chosen: CHOSEN.slice(0, 1),
      rejected: REJECTED,
      pairs: [],
      paired: false,
    },
    1,
  );
  assertClose([found["rewards/margins"]!], [1 - 2.5 / 3], {
    tolerance: 1e-12,
  });
  ok(!("rewards/accuracies" in found));
});

Deno.test("batchMetrics() of labels counts the pairs that are known", () => {
  const found = batchMetrics({
    ...{ chosen: CHOSEN, rejected: REJECTED, paired: false },
    pairs: [[CHOSEN[0]!, REJECTED[0]!], [CHOSEN[2]!, REJECTED[2]!]],
    weights: { chosen: [1, 1, 1], rejected: [1, 1, 1], pairs: [3, 1] },
  }, 1);
  strictEqual(found["rewards/accuracies"], 3 / 4);
  assertClose([found["rewards/margins"]!], [(2 - 2.5) / 3], {
    tolerance: 1e-12,
  });
});

Deno.test("batchMetrics() has no rewards without a reference", () => {
  const chosen = [{ logProb: -1 }, { logProb: -4 }];
  const rejected = [{ logProb: -2 }, { logProb: -2 }];
  deepStrictEqual(batchMetrics(paired(chosen, rejected), 0.1), {
    "logps/chosen": -2.5,
    "logps/rejected": -2,
  });
});

Deno.test("batchMetrics() leaves out what has no example", () => {
  const onlyChosen = { ...paired(CHOSEN, []), pairs: [], paired: false };
  deepStrictEqual(Object.keys(batchMetrics(onlyChosen, 1)), [
    "logps/chosen",
    "rewards/chosen",
  ]);
  deepStrictEqual(batchMetrics(paired([], []), 1), {});
});

Deno.test("batchMetrics() weighs examples", () => {
  const weights = [2, 0, 1];
  const repeated = <T>(list: readonly T[]) =>
    list.flatMap((each, i) => new Array<T>(weights[i]!).fill(each));
  for (const all of [{ paired: true }, { paired: false }]) {
    const found = batchMetrics({
      ...paired(CHOSEN, REJECTED),
      ...all,
      weights: { chosen: weights, rejected: weights, pairs: weights },
    }, 0.5);
    const expected = batchMetrics({
      ...paired(repeated(CHOSEN), repeated(REJECTED)),
      ...all,
    }, 0.5);
    deepStrictEqual(found, expected);
  }
});

Deno.test("mean() of nothing is NaN", () => {
  strictEqual(mean([1, 2, 6]), 3);
  strictEqual(mean([1, 2, 6], [2, 0, 3]), 4);
  strictEqual(mean([]), NaN);
  strictEqual(mean([], [1]), NaN);
});

Deno.test("logProbsByPreference() takes two completions of each example for a pair", () => {
  const found = logProbsByPreference([{}, {}], {
    logProbs: [[-1, -2], [-3, -4]],
    refLogProbs: [[-5, -6], [-7, -8]],
  });
  deepStrictEqual(found, {
    ...paired(
      scored([[-1, -5], [-3, -7]]),
      scored([[-2, -6], [-4, -8]]),
    ),
    weights: { chosen: [1, 1], rejected: [1, 1], pairs: [1, 1] },
  });
});

Deno.test("logProbsByPreference() sorts single completions by their labels", () => {
  const labels = [false, true, true].map((label) => ({ label }));
  const logProbs = [[-1], [-2], [-3]];
  deepStrictEqual(
    logProbsByPreference(labels, { logProbs, refLogProbs: null }),
    {
      paired: false,
      chosen: [{ logProb: -2 }, { logProb: -3 }],
      rejected: [{ logProb: -1 }],
      pairs: [],
      weights: { chosen: [1, 1], rejected: [1], pairs: [] },
    },
  );
});

Deno.test("logProbsByPreference() takes both labels of one prompt for a pair", () => {
  const labels = [
    { prompt: [1], label: false },
    { prompt: [2], label: true, weight: 3 },
    { prompt: [1], label: true },
    { prompt: [2], label: false },
  ];
  const { pairs, weights, paired } = logProbsByPreference(labels, {
    logProbs: [[-1], [-2], [-3], [-4]],
    refLogProbs: null,
  });
  deepStrictEqual(pairs, [
    [{ logProb: -3 }, { logProb: -1 }],
    [{ logProb: -2 }, { logProb: -4 }],
  ]);
  deepStrictEqual([weights!.pairs, paired], [[1, 3], false]);
});

Deno.test("logProbsByPreference() takes a completion without a label for a chosen one", () => {
  const logProbs = [[-1], [-2]];
  const found = logProbsByPreference([{}, {}], {
    logProbs,
    refLogProbs: [[-3], [-4]],
  });
  deepStrictEqual(found, {
    paired: false,
    chosen: scored([[-1, -3], [-2, -4]]),
    rejected: [],
    pairs: [],
    weights: { chosen: [1, 1], rejected: [], pairs: [] },
  });
});
