import { lnDpo } from "lib/losses/ln_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  lnDpo,
  "trl",
  ({ dc, nc, dr, nr }) => -logSigmoid(0.1 * (dc / nc - dr / nr)),
);

/** Log-ratios of 3 nats on 6 tokens and of −2 nats on 8 tokens. */
const pair = {
  chosen: [-9],
  refChosen: [-12],
  chosenLength: [6],
  rejected: [-20],
  refRejected: [-18],
  rejectedLength: [8],
};

Deno.test("ln-dpo is −log σ of β times the difference of mean log-ratios", async () => {
  const lossOptions = { beta: 4 };
  const { loss, gradients } = await runLoss(lnDpo, pair, { lossOptions });
  assertClose(loss, Math.log1p(Math.exp(-4 * (0.5 + 0.25))));
  const slope = 4 / (1 + Math.exp(3));
  assertClose(gradients.chosen, -slope / 6);
  assertClose(gradients.rejected, slope / 8);
});

Deno.test("ln-dpo does not see an answer said three times over", async () => {
  const { loss } = await runLoss(lnDpo, pair);
  const { loss: longer } = await runLoss(lnDpo, {
    ...pair,
    chosen: [-27],
    refChosen: [-36],
    chosenLength: [18],
  });
  assertClose(longer, loss);
});

Deno.test("ln-dpo is log 2 at π = π_ref, whatever the lengths", async () => {
  const { loss } = await runLoss(lnDpo, {
    ...pair,
    refChosen: pair.chosen,
    refRejected: pair.rejected,
  });
  assertClose(loss, Math.LN2);
});
