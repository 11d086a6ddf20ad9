import { simper } from "lib/losses/simper.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { testPreset } from "./peer_formula.ts";

testPreset(
  simper,
  "paper-repo",
  ({ ac, ar }) => -Math.exp(ac) + Math.exp(ar),
);

Deno.test("simper is the difference of inverse perplexities", async () => {
  const { loss, gradients } = await runLoss(simper, {
    chosen: [-2 * Math.LN2, -1e4],
    chosenLength: [2, 10],
    rejected: [-6 * Math.LN2, -1e4],
    rejectedLength: [3, 10],
  });
  assertClose(loss, [1 / 4 - 1 / 2, 0]);
  assertClose(gradients.chosen, [-1 / 4, 0]);
  assertClose(gradients.rejected, [1 / 12, 0]);
});

Deno.test("simper is within ±1, and 0 of equal perplexities", async () => {
  const { loss } = await runLoss(simper, {
    chosen: [0, -1e4, -6, -3],
    chosenLength: [5, 1, 4, 1],
    rejected: [-1e4, 0, -3, -6],
    rejectedLength: [1, 5, 2, 2],
  });
  assertClose(loss, [-1, 1, 0, 0]);
});

Deno.test("simper reads no reference", async () => {
  const batch = { chosen: [-3, -1], rejected: [-2, -5] };
  const { loss } = await runLoss(simper, batch);
  const other = await runLoss(simper, { ...batch, refChosen: -9 });
  assertClose(other.loss, loss);
});
