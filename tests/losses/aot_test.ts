import { deepStrictEqual } from "node:assert/strict";
import { aot, ranked } from "lib/losses/aot.ts";
import { aotUnpaired } from "lib/losses/aot_unpaired.ts";
import { dpo } from "lib/losses/dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Margins 3, −4, 1, 7; of the reference 2, 0, −5, 1. */
const batch = {
  chosen: [-7, -12, -2, -3],
  rejected: [-10, -8, -3, -10],
  refChosen: [-6, -9, -8, -2],
  refRejected: [-8, -9, -3, -3],
};
/** By example: −4 is the smallest and meets −5, and so on. */
const excess = [3 - 1, -4 - -5, 1 - 0, 7 - 2];

Deno.test("aot compares sorted margins with sorted margins of the reference", async () => {
  const lossOptions = { beta: 0.3, labelSmoothing: 0.2 };
  const { loss, gradients } = await runLoss(aot, batch, { lossOptions });
  const z = excess.map((d) => 0.3 * d);
  assertClose(
    loss,
    z.map((z) => -0.8 * logSigmoid(z) - 0.2 * logSigmoid(-z)),
  );
  const slopes = z.map((z) => 0.3 * (0.2 * sigmoid(z) - 0.8 * sigmoid(-z)));
  assertClose(gradients.chosen, slopes);
  assertClose(gradients.rejected, slopes.map((slope) => -slope));
});

Deno.test("aot under the preset trl is TRL's formula", async () => {
  const { loss } = await runLoss(aot, batch, {
    lossOptions: { ...aot.presets!.trl!.options },
  });
  assertClose(loss, excess.map((d) => -logSigmoid(0.1 * d)));
});

for (const loss of [aot, aotUnpaired]) {
  Deno.test(`${loss.id} of one pair is dpo`, async () => {
    const pair = {
      chosen: [-7],
      rejected: [-3],
      refChosen: [-9],
      refRejected: [-1],
    };
    const lossOptions = { beta: 0.5, labelSmoothing: 0.1 };
    deepStrictEqual(
      await runLoss(loss, pair, { lossOptions }),
      await runLoss(dpo, pair, { lossOptions }),
    );
  });
}

Deno.test("aot does not see which pair a margin of the reference belongs to", async () => {
  const permuted = {
    ...batch,
    refChosen: [-2, -8, -6, -9],
    refRejected: [-3, -3, -8, -9],
  };
  deepStrictEqual(await runLoss(aot, permuted), await runLoss(aot, batch));
});

Deno.test("ranked() sorts and says where each number went", () => {
  deepStrictEqual(ranked([3, -4, 10, 1, 3]), {
    sorted: [-4, 1, 3, 3, 10],
    ranks: [2, 0, 4, 1, 3],
  });
});

Deno.test("aot says each example's rank by its margin", () => {
  const rows = batch.chosen.map((logProb, i) => [
    { logProb, refLogProb: batch.refChosen[i]!, length: 1 },
    {
      logProb: batch.rejected[i]!,
      refLogProb: batch.refRejected[i]!,
      length: 1,
    },
  ]);
  const lossOptions = { beta: 0.1, labelSmoothing: 0 };
  deepStrictEqual(aot.statistics!.reduce(rows, lossOptions, {}), {
    values: { partner: [1, -5, 0, 2] },
    metrics: {},
    ranks: [2, 0, 1, 3],
  });
});
