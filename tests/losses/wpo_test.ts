import { dpo } from "lib/losses/dpo.ts";
import { wpo } from "lib/losses/wpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

/** log Σ_v π(v)² is −1 at each token there. */
testPreset(
  wpo,
  "trl",
  ({ dc, dr, ac, ar }) =>
    -logSigmoid(0.1 * (dc - dr)) * Math.exp(ac + 1) * Math.exp(ar + 1),
);

const pair = {
  chosen: [-10, -2, -8],
  refChosen: [-5, -4, -8],
  chosenLength: [5, 1, 4],
  rejected: [-6, -9, -1],
  refRejected: [-3, -6, -1],
  rejectedLength: [3, 3, 2],
};
/** Mean log π(y_t) of chosen and rejected, less log Σ_v π(v)² of −1.5. */
const weights = [-2 - 2 + 3, -2 - 3 + 3, -2 - 0.5 + 3].map(Math.exp);

Deno.test("wpo is dpo times the weight of a pair, in value and gradient", async () => {
  const lossOptions = { beta: 0.5 };
  const { loss, gradients, metrics } = await runLoss(wpo, pair, {
    lossOptions,
    collision: -1.5,
  });
  const plain = await runLoss(dpo, pair, { lossOptions });
  const weighted = (list: readonly number[]) =>
    list.map((x, i) => x * weights[i]!);
  assertClose(metrics["weight"]!, weights);
  assertClose(loss, weighted(plain.loss));
  assertClose(gradients.chosen, weighted(plain.gradients.chosen));
  assertClose(gradients.rejected, weighted(plain.gradients.rejected));
});

Deno.test("wpo weighs a pair by 1 where tokens are as likely as a sample's", async () => {
  const { metrics } = await runLoss(
    wpo,
    { chosen: [-6], chosenLength: [4], rejected: [-3], rejectedLength: [2] },
    { collision: -1.5 },
  );
  assertClose(metrics["weight"]!, [1]);
});

Deno.test("wpo takes an empty completion's weight as 1", async () => {
  const { metrics } = await runLoss(
    wpo,
    { chosen: [-6], chosenLength: [4], rejected: [0], rejectedLength: [0] },
    { collision: -1 },
  );
  assertClose(metrics["weight"]!, [Math.exp(-0.5)]);
});
