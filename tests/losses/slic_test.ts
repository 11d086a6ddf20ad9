import { slic } from "lib/losses/slic.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

/** Margins of 3, 1 and −8 nats. */
const pair = { chosen: [-5, -5, -10], rejected: [-8, -6, -2] };

Deno.test("slic is what the margin lacks of δ, and λ times the NLL", async () => {
  const lossOptions = { delta: 2, lambda: 0.5 };
  const { loss, gradients } = await runLoss(slic, pair, { lossOptions });
  assertClose(loss, [2.5, 1 + 2.5, 10 + 5]);
  assertClose(gradients.chosen, [-0.5, -1.5, -1.5]);
  assertClose(gradients.rejected, [0, 1, 1]);
});

Deno.test("slic without regularisation is 0 where the margin is reached", async () => {
  const lossOptions = { delta: 0.5, lambda: 0 };
  const { loss } = await runLoss(slic, pair, { lossOptions });
  assertClose(loss, [0, 0, 8.5]);
});

Deno.test("slic sees no reference", async () => {
  const { loss } = await runLoss(slic, pair);
  const other = await runLoss(slic, { ...pair, refChosen: -3, refRejected: 7 });
  assertClose(other.loss, loss, { tolerance: 0 });
});
