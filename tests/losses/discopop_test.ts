import { discopop } from "lib/losses/discopop.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid, testPreset } from "./peer_formula.ts";

function formula(z: number, tau: number): number {
  const m = sigmoid(z / tau);
  return (1 - m) * -logSigmoid(z) + m * Math.exp(-z);
}
testPreset(discopop, "trl", ({ dc, dr }) => formula(0.1 * (dc - dr), 0.05));

for (const tau of [0.05, 0.4, 1]) {
  Deno.test(`discopop with τ = ${tau} blends both losses`, async () => {
    const margins = [-6, -1, -0.2, 0, 0.1, 0.5, 3];
    const { loss } = await runLoss(
      discopop,
      { chosen: margins, rejected: margins.map(() => 0) },
      { lossOptions: { beta: 1, tau } },
    );
    assertClose(loss, margins.map((z) => formula(z, tau)));
  });

  Deno.test(`discopop with τ = ${tau} at π = π_ref is (1 + log 2)/2, whose slope depends on τ`, async () => {
    const { loss, gradients } = await runLoss(
      discopop,
      { chosen: [-3], refChosen: -3, rejected: [-9], refRejected: -9 },
      { lossOptions: { beta: 2, tau } },
    );
    assertClose(loss, (1 + Math.LN2) / 2);
    const slope = 2 * ((1 - Math.LN2) / (4 * tau) - 0.75);
    assertClose(gradients.chosen, slope);
    assertClose(gradients.rejected, -slope);
  });
}

Deno.test("discopop is linear far below a margin of 0 and exponential far above", async () => {
  const { loss, gradients } = await runLoss(
    discopop,
    { chosen: [-4000, -1], rejected: [-1, -21] },
    { lossOptions: { beta: 1 } },
  );
  assertClose(loss.slice(0, 1), 3999);
  assertClose(loss.slice(1), Math.exp(-20));
  assertClose(gradients.chosen.slice(0, 1), -1);
  assertClose(gradients.chosen.slice(1), -Math.exp(-20));
});
