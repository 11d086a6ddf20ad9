import { exo } from "lib/losses/exo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { sigmoid, testPreset } from "./peer_formula.ts";

testPreset(exo, "trl", ({ dc, dr }) => {
  const q = sigmoid(0.1 * (dc - dr));
  return q * Math.log(q / (1 - 1e-3)) + (1 - q) * Math.log((1 - q) / 1e-3);
});

Deno.test("exo at π = π_ref is the KL divergence of a coin to the label", async () => {
  const lossOptions = { beta: 2, labelSmoothing: 0.1 };
  const logProbs = { chosen: [-7], refChosen: [-7] };
  const { loss, gradients } = await runLoss(
    exo,
    { ...logProbs, rejected: [-50], refRejected: [-50] },
    { lossOptions },
  );
  // log(1/2) − 1/2 log(0.9 · 0.1) = log(5/3)
  assertClose(loss, Math.log(5 / 3));
  // −β/4 · log((1 − ε)/ε)
  assertClose(gradients.chosen, -Math.log(9) / 2);
  assertClose(gradients.rejected, Math.log(9) / 2);
});

Deno.test("exo is 0 and at rest where the policy is as sure as the label", async () => {
  const { loss, gradients } = await runLoss(
    exo,
    { chosen: [-1, -1], rejected: [-1 - Math.log(9), -100] },
    { lossOptions: { beta: 1, labelSmoothing: 0.1 } },
  );
  assertClose([...loss, 1], [0, -Math.log(0.9), 1]);
  assertClose([...gradients.chosen, 1], [0, 0, 1]);
});

Deno.test("exo of a hopeless pair is −log ε and pulls no longer", async () => {
  const { loss, gradients } = await runLoss(
    exo,
    { chosen: [-500], rejected: [-1] },
    { lossOptions: { beta: 1, labelSmoothing: 0.01 } },
  );
  assertClose(loss, Math.log(100));
  assertClose([...gradients.chosen, 1], [0, 1]);
});
