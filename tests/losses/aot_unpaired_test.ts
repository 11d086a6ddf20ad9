import { deepStrictEqual } from "node:assert/strict";
import { aotUnpaired } from "lib/losses/aot_unpaired.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Δ_w is 3, −1, 0.5; Δ_l is 1, 2, −4. */
const batch = {
  chosen: [-7, -12, -2.5],
  refChosen: [-10, -11, -3],
  rejected: [-8, -6, -9],
  refRejected: [-9, -8, -5],
};
/** By rank of Δ_w, and by rank of Δ_l. */
const ofChosen = [3 - 2, -1 - -4, 0.5 - 1];
const ofRejected = [0.5 - 1, 3 - 2, -1 - -4];

Deno.test("aot-unpaired compares sorted ratios of chosen and rejected completions", async () => {
  const lossOptions = { beta: 0.3, labelSmoothing: 0.2 };
  const { loss, gradients } = await runLoss(aotUnpaired, batch, {
    lossOptions,
  });
  const cost = (d: number) =>
    -0.8 * logSigmoid(0.3 * d) - 0.2 * logSigmoid(-0.3 * d);
  const slope = (d: number) =>
    0.3 * (0.2 * sigmoid(0.3 * d) - 0.8 * sigmoid(-0.3 * d));
  assertClose(loss, ofChosen.map(cost));
  assertClose(gradients.chosen, ofChosen.map(slope));
  assertClose(gradients.rejected, ofRejected.map((d) => -slope(d)));
});

Deno.test("aot-unpaired under the preset trl is TRL's formula", async () => {
  const { loss } = await runLoss(aotUnpaired, batch, {
    lossOptions: { ...aotUnpaired.presets!.trl!.options },
  });
  assertClose(loss, ofChosen.map((d) => -logSigmoid(0.1 * d)));
});

Deno.test("aot-unpaired does not see which completion was rejected for which", async () => {
  const permuted = {
    ...batch,
    rejected: [-9, -8, -6],
    refRejected: [-5, -9, -8],
  };
  const found = await runLoss(aotUnpaired, permuted);
  const { loss, gradients } = await runLoss(aotUnpaired, batch);
  deepStrictEqual(found.loss, loss);
  deepStrictEqual(found.gradients.chosen, gradients.chosen);
  const [first, second, third] = gradients.rejected;
  deepStrictEqual(found.gradients.rejected, [third, first, second]);
});

Deno.test("aot-unpaired says each example's rank by its chosen completion", () => {
  const rows = batch.chosen.map((logProb, i) => [
    { logProb, refLogProb: batch.refChosen[i]!, length: 1 },
    {
      logProb: batch.rejected[i]!,
      refLogProb: batch.refRejected[i]!,
      length: 1,
    },
  ]);
  const lossOptions = { beta: 0.1, labelSmoothing: 0 };
  deepStrictEqual(aotUnpaired.statistics!.reduce(rows, lossOptions, {}), {
    values: { rejectedPartner: [2, -4, 1], chosenPartner: [0.5, 3, -1] },
    metrics: {},
    ranks: [2, 0, 1],
  });
});
