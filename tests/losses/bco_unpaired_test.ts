import { strictEqual } from "node:assert/strict";
import { bco, runningShift } from "lib/losses/bco.ts";
import { bcoUnpaired } from "lib/losses/bco_unpaired.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid } from "./peer_formula.ts";

const batch = {
  chosen: [-3.1, -0.7, -12, -5, -2],
  refChosen: [-2.5, -1.3, -12, -6, -4],
  desirable: [1, 0, 0, 1, 1],
};
/** log π/π_ref of each. */
const ratios = [-0.6, 0.6, 0, 1, 2];

Deno.test("bco-unpaired under the preset trl is the formula of TRL's BCOTrainer", async () => {
  const { loss } = await runLoss(bcoUnpaired, batch, {
    lossOptions: { ...bcoUnpaired.presets!.trl!.options },
  });
  const delta = 0.1 * 3 / 5;
  assertClose(
    loss,
    ratios.map((ratio, i) => {
      const logit = 0.1 * ratio - delta;
      return -logSigmoid(batch.desirable[i] ? logit : -logit);
    }),
  );
});

Deno.test("bco-unpaired of a chosen and a rejected completion adds up to bco", async () => {
  const lossOptions = { beta: 0.7 };
  const pairs = {
    chosen: [-4, -30],
    refChosen: [-6, -28],
    rejected: [-9, -2],
    refRejected: [-8, -7],
  };
  const paired = await runLoss(bco, pairs, { lossOptions });
  const { loss, gradients } = await runLoss(bcoUnpaired, {
    chosen: [...pairs.chosen, ...pairs.rejected],
    refChosen: [...pairs.refChosen, ...pairs.refRejected],
    desirable: [1, 1, 0, 0],
  }, { lossOptions });
  assertClose([loss[0]! + loss[2]!, loss[1]! + loss[3]!], paired.loss);
  assertClose(gradients.chosen, [
    ...paired.gradients.chosen,
    ...paired.gradients.rejected,
  ]);
});

Deno.test("bco-unpaired shifts as bco does", () => {
  strictEqual(bcoUnpaired.statistics!.reduce, runningShift.reduce);
});
