import { dpo } from "lib/losses/dpo.ts";
import { robust } from "lib/losses/robust.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

testPreset(robust, "trl", ({ dc, dr }) => -logSigmoid(0.1 * (dc - dr)));

const pair = { chosen: [-10, -200, -3], rejected: [-13, -2, -4] };
const swapped = { chosen: pair.rejected, rejected: pair.chosen };

Deno.test("robust is DPO on average over flips of labels", async () => {
  const lossOptions = { beta: 0.5, labelSmoothing: 0.2 };
  const right = await runLoss(robust, pair, { lossOptions });
  const flipped = await runLoss(robust, swapped, { lossOptions });
  const { loss } = await runLoss(dpo, pair, { lossOptions: { beta: 0.5 } });
  assertClose(
    right.loss.map((x, i) => 0.8 * x + 0.2 * flipped.loss[i]!),
    loss,
  );
});

Deno.test("robust is log 2 at π = π_ref and pulls harder the more labels are flipped", async () => {
  const logProbs = [-5, -400];
  const { loss, gradients } = await runLoss(
    robust,
    {
      chosen: logProbs,
      rejected: logProbs,
      refChosen: logProbs,
      refRejected: logProbs,
    },
    { lossOptions: { beta: 2, labelSmoothing: 0.3 } },
  );
  assertClose(loss, Math.LN2);
  // β / 2 / (1 − 2ε)
  assertClose(gradients.chosen, -2.5);
  assertClose(gradients.rejected, 2.5);
});

Deno.test("robust falls without end: −ε/(1−2ε) a unit of margin", async () => {
  const { loss } = await runLoss(
    robust,
    { chosen: [0, 0], rejected: [-1e3, -2e3] },
    { lossOptions: { beta: 1, labelSmoothing: 0.1 } },
  );
  assertClose(loss, [-125, -250]);
});
