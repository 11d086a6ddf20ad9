import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { minorDpo } from "lib/losses/minor_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

Deno.test("minor-dpo is dpo where the rejected answer is no less likely than under π_ref", async () => {
  const batch = {
    chosen: [-9, -4, -30],
    refChosen: -7,
    rejected: [-8, -3, -1],
    refRejected: -8,
  };
  deepStrictEqual(await runLoss(minorDpo, batch), await runLoss(dpo, batch));
});

Deno.test("minor-dpo leaves a rejected answer alone that is less likely", async () => {
  const { loss, gradients } = await runLoss(
    minorDpo,
    {
      chosen: [-5, -9],
      refChosen: -7,
      rejected: [-8.5, -1e4],
      refRejected: -8,
    },
    { lossOptions: { beta: 0.5 } },
  );
  const z = [1, -1];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  assertClose(gradients.chosen, z.map((z) => -0.5 * sigmoid(-z)));
  assertClose(gradients.rejected, 0);
});
