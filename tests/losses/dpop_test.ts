import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { dpop } from "lib/losses/dpop.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

const rejected = { rejected: [-3, -9, -40], refRejected: -8 };

Deno.test("dpop is DPO where the chosen completion has lost nothing, at π_ref too", async () => {
  const lossOptions = { beta: 0.5 };
  const batch = { chosen: [-7, -6.5, -1], refChosen: -7, ...rejected };
  deepStrictEqual(
    await runLoss(dpop, batch, { lossOptions }),
    await runLoss(dpo, batch, { lossOptions }),
  );
});

Deno.test("dpop takes λ times what the chosen completion has lost from the margin", async () => {
  const { loss, gradients } = await runLoss(
    dpop,
    { chosen: [-7.5], refChosen: -7, rejected: [-10], refRejected: -7 },
    { lossOptions: { beta: 0.5, lambda: 4 } },
  );
  // β (−0.5 + 3 − 4 · 0.5) = 0.25
  assertClose(loss, Math.log1p(Math.exp(-0.25)));
  const slope = 0.5 / (1 + Math.exp(0.25));
  assertClose(gradients.chosen, -5 * slope);
  assertClose(gradients.rejected, slope);
});

Deno.test("dpop with λ = 0 is DPO", async () => {
  const batch = { chosen: [-70, -8, -1], refChosen: -7, ...rejected };
  assertClose(
    (await runLoss(dpop, batch, { lossOptions: { beta: 1, lambda: 0 } })).loss,
    (await runLoss(dpo, batch, { lossOptions: { beta: 1 } })).loss,
  );
});
