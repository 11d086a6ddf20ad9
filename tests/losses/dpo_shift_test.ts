import { dpo } from "lib/losses/dpo.ts";
import { dpoShift } from "lib/losses/dpo_shift.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Log-ratios of 2 and −1, of −3 and −4, and of 0 and 0. */
const pair = {
  chosen: [-8, -13, -1e3],
  refChosen: [-10, -10, -1e3],
  rejected: [-6, -9, -7],
  refRejected: [-5, -5, -7],
};

Deno.test("dpo-shift takes λ of the rejected log-ratio", async () => {
  const { loss, gradients } = await runLoss(dpoShift, pair, {
    lossOptions: { beta: 0.5, lambda: 0.75 },
  });
  const z = [0.5 * (2 + 0.75), 0.5 * (-3 + 3), 0];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  assertClose(gradients.chosen, z.map((z) => -0.5 * sigmoid(-z)));
  assertClose(gradients.rejected, z.map((z) => 0.75 * 0.5 * sigmoid(-z)));
});

Deno.test("dpo-shift with λ 1 is dpo", async () => {
  const { loss } = await runLoss(dpoShift, pair, {
    lossOptions: { lambda: 1 },
  });
  assertClose(loss, (await runLoss(dpo, pair)).loss);
});
