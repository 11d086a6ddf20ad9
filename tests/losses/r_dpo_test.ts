import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { rDpo } from "lib/losses/r_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Margins of 3 and −1 nats; the first chosen answer is longer, the second not. */
const pair = {
  chosen: [-10, -6],
  refChosen: [-12, -4],
  chosenLength: [8, 2],
  rejected: [-9, -5],
  refRejected: [-8, -4],
  rejectedLength: [3, 12],
};

Deno.test("r-dpo credits the chosen answer α for each token that it is longer", async () => {
  const { loss, gradients } = await runLoss(rDpo, pair, {
    lossOptions: { beta: 0.5, alpha: 0.2 },
  });
  const z = [0.5 * 3 + 0.2 * 5, 0.5 * -1 - 0.2 * 10];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  assertClose(gradients.chosen, z.map((z) => -0.5 * sigmoid(-z)));
  assertClose(gradients.rejected, z.map((z) => 0.5 * sigmoid(-z)));
});

Deno.test("r-dpo pulls less on a longer chosen answer than dpo, and more on a shorter one", async () => {
  const lossOptions = { beta: 0.5 };
  const { gradients } = await runLoss(rDpo, pair, { lossOptions });
  const { gradients: plain } = await runLoss(dpo, pair, { lossOptions });
  const more = gradients.chosen.map((x, i) => x < plain.chosen[i]!);
  deepStrictEqual(more, [false, true]);
});

Deno.test("r-dpo with α 0, and of answers of one length, is dpo", async () => {
  const { loss } = await runLoss(dpo, pair);
  const lossOptions = { alpha: 0 };
  assertClose((await runLoss(rDpo, pair, { lossOptions })).loss, loss);
  const even = { ...pair, chosenLength: [7, 1], rejectedLength: [7, 1] };
  assertClose((await runLoss(rDpo, even)).loss, loss);
});

Deno.test("r-dpo of π = π_ref is −log σ(α(n_w − n_l))", async () => {
  const { loss } = await runLoss(
    rDpo,
    { ...pair, refChosen: pair.chosen, refRejected: pair.rejected },
    { lossOptions: { beta: 3, alpha: 0.1 } },
  );
  assertClose(loss, [-logSigmoid(0.5), -logSigmoid(-1)]);
});
