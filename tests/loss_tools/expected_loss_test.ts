import { deepStrictEqual, rejects } from "node:assert/strict";
import {
  expectedLoss,
  readsRatiosAlone,
} from "lib/loss_tools/expected_loss.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";

const answers = [{ probability: 0.25 }, { probability: 0.75, length: 3 }];
const logProbs = [Math.log(0.5), Math.log(0.5)];

Deno.test("an expected loss is the weighted sum of losses and of gradients", async () => {
  await using expected = await expectedLoss(findLoss("dpo"), {
    answers,
    comparisons: [
      { answers: [0, 1], weight: 0.3 },
      { answers: [1, 0], weight: 0.7 },
    ],
    lossOptions: { beta: 1 },
  });
  const { value, gradient } = await expected.at(logProbs);
  // π/π_ref is 2 and 2/3: σ of the margin log 3 is 3/4.
  assertClose([value], [-0.3 * Math.log(3 / 4) - 0.7 * Math.log(1 / 4)]);
  const slope = -0.3 / 4 + 0.7 * 3 / 4;
  assertClose(gradient, [slope, -slope]);
});

Deno.test("weights count in the totals that a loss divides by", async () => {
  await using expected = await expectedLoss(findLoss("sft"), {
    answers,
    comparisons: [
      { answers: [0], weight: 0.2 },
      { answers: [1], weight: 0.8 },
    ],
  });
  const tokens = 0.2 * 1 + 0.8 * 3;
  const { value, gradient } = await expected.at(logProbs);
  assertClose([value], [Math.LN2 / tokens]);
  assertClose(gradient, [-0.2 / tokens, -0.8 / tokens]);
});

Deno.test("KTO's reference point is the weighted mean of log-ratios, at least 0", async () => {
  const at = async (weights: readonly number[]) => {
    await using expected = await expectedLoss(findLoss("kto"), {
      answers,
      comparisons: weights.map((weight, i) => ({ answers: [i], weight })),
    });
    return expected.statistics(logProbs)["referencePoint"];
  };
  const mean = 0.9 * Math.log(2) + 0.1 * Math.log(2 / 3);
  assertClose([Number(await at([0.9, 0.1]))], [mean], { tolerance: 1e-3 });
  deepStrictEqual(await at([0.1, 0.9]), 0);
});

Deno.test("a loss that ranks its batch has no expected loss of unequal weights", async () => {
  await rejects(
    expectedLoss(findLoss("aot"), {
      answers,
      comparisons: [
        { answers: [0, 1], weight: 0.3 },
        { answers: [1, 0], weight: 0.7 },
      ],
    }),
    /"aot": it couples the examples/,
  );
});

Deno.test("losses without a reference, or with means over tokens, read more than log-ratios", async () => {
  const more = [];
  for (const loss of LOSSES) {
    if (!await readsRatiosAlone(loss)) more.push(loss.id);
  }
  deepStrictEqual(more, [
    ...["alpha-dpo", "alphapo", "cpo", "gate-cal-dpo", "gate-dpo", "gate-ipo"],
    ...["kto-pairwise", "ld-dpo", "ln-dpo", "orpo", "orpo-probability-ratio"],
    ...["r-dpo", "sampo", "simper", "simpo", "slic", "tpo", "wpo"],
  ]);
});

Deno.test("options decide what a loss reads", async () => {
  const reads = (reduction: string) =>
    readsRatiosAlone(findLoss("ipo"), { reduction, beta: 0.1 });
  deepStrictEqual([await reads("sum"), await reads("mean")], [true, false]);
});
