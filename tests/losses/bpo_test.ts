import { bpo } from "lib/losses/bpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

const at = (chosen: number[], rejected: number[], alpha: number) =>
  runLoss(
    bpo,
    {
      chosen: chosen.map((x) => x - 20),
      refChosen: -20,
      rejected: rejected.map((x) => x - 30),
      refRejected: -30,
    },
    { lossOptions: { beta: 2, alpha } },
  );

Deno.test("bpo trains the one of both answers that lags", async () => {
  const { loss, gradients } = await at([1, 3, -2], [-4, -1, -9], 0.5);
  // min(1, 2), min(3, 0.5) and min(−2, 4.5)
  const z = [2, 1, -4];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  const slopes = z.map((z) => 2 * sigmoid(-z));
  assertClose(gradients.chosen, [-slopes[0]!, 0, -slopes[2]!]);
  assertClose(gradients.rejected, [0, slopes[1]! / 2, 0]);
});

Deno.test("bpo starts at log 2 and pulls half on each answer", async () => {
  const { loss, gradients } = await at([0], [0], 0.5);
  assertClose(loss, Math.LN2);
  assertClose(gradients.chosen, -0.5);
  assertClose(gradients.rejected, 0.25);
});

Deno.test("bpo does not pay for a chosen answer that falls", async () => {
  const { loss } = await at([-1, -1, -1], [-1, -10, -1e3], 1);
  assertClose(loss, -logSigmoid(-2));
});
