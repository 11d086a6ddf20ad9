import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { drDpo } from "lib/losses/dr_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Margins 3, −4, 1 and 7 above those of the reference. */
const batch = {
  chosen: [-7, -12, -2, -3],
  rejected: [-10, -8, -3, -10],
};
const margins = [3, -4, 1, 7];
const mean = (list: readonly number[]) =>
  list.reduce((a, b) => a + b, 0) / list.length;

/** −τ log mean e^(−L/τ), written out. */
const risk = (losses: readonly number[], tau: number) =>
  -tau * Math.log(mean(losses.map((loss) => Math.exp(-loss / tau))));

Deno.test("dr-dpo is −τ log mean e^(−L/τ) on average, with its gradient", async () => {
  const [beta, tau] = [0.5, 0.7];
  const { loss, gradients } = await runLoss(drDpo, batch, {
    lossOptions: { beta, tau },
    float: "float64",
  });
  const risks = (at: readonly number[]) =>
    risk(at.map((margin) => -logSigmoid(beta * margin)), tau);
  const options = { tolerance: 1e-6 };
  assertClose(loss, risks(margins), options);
  // Gradients are those of the sum: 4 times that of the mean.
  const slopes = margins.map((margin, i) => {
    const at = (by: number) => risks(margins.with(i, margin + by));
    return 4 * (at(1e-5) - at(-1e-5)) / 2e-5;
  });
  assertClose(gradients.chosen, slopes, options);
  assertClose(gradients.rejected, slopes.map((slope) => -slope), options);
});

Deno.test("dr-dpo tends to dpo as τ grows, and of one pair it is dpo", async () => {
  const lossOptions = { beta: 0.5 };
  const plain = await runLoss(dpo, batch, { lossOptions });
  const wide = await runLoss(drDpo, batch, {
    lossOptions: { ...lossOptions, tau: 1e6 },
  });
  assertClose(wide.loss, mean(plain.loss), { tolerance: 1e-5 });
  const options = { tolerance: 1e-5 };
  assertClose(wide.gradients.chosen, plain.gradients.chosen, options);
  const pair = { chosen: [-12], rejected: [-8] };
  const [one, same] = [
    await runLoss(drDpo, pair, { lossOptions: { ...lossOptions, tau: 0.1 } }),
    await runLoss(dpo, pair, { lossOptions }),
  ];
  assertClose(one.loss, same.loss);
  assertClose(one.gradients.chosen, same.gradients.chosen);
});

Deno.test("dr-dpo lets go of a pair far on the wrong side", async () => {
  const { gradients, metrics } = await runLoss(drDpo, {
    chosen: [-10, -10, -1010],
    rejected: [-20, -20, -10],
  }, { lossOptions: { beta: 1, tau: 1 } });
  assertClose(metrics["share"]!, [1.5, 1.5, 0]);
  assertClose(gradients.chosen, [
    -1.5 * sigmoid(-10),
    -1.5 * sigmoid(-10),
    0,
  ]);
});

Deno.test("dr-dpo is log 2 of each pair at π = π_ref, all with the same share", async () => {
  const { loss, metrics } = await runLoss(drDpo, {
    ...batch,
    refChosen: batch.chosen,
    refRejected: batch.rejected,
  });
  assertClose(loss, Math.LN2);
  deepStrictEqual(metrics["share"], [1, 1, 1, 1]);
});
