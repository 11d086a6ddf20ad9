import { hinge } from "lib/losses/hinge.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { testPreset } from "./peer_formula.ts";

for (const peer of ["trl", "llama-factory"] as const) {
  testPreset(hinge, peer, ({ dc, dr }) => Math.max(0, 1 - 0.1 * (dc - dr)));
}

Deno.test("hinge pulls with one force until the margin is 1/β, then not at all", async () => {
  const { loss, gradients } = await runLoss(
    hinge,
    {
      chosen: [-5, -5, -5, -5],
      refChosen: [-5, -7, -7, -9],
      rejected: [-9, -7, -8, -9],
      refRejected: [-5, -7, -7, -8],
    },
    { lossOptions: { beta: 0.25 } },
  );
  // Margins of 4, 2, 3 and 5 nats.
  assertClose(loss, [0, 0.5, 0.25, 0]);
  assertClose(gradients.chosen.slice(1), [-0.25, -0.25, 0]);
  assertClose(gradients.rejected.slice(1), [0.25, 0.25, 0]);
});

Deno.test("hinge is 1 at π = π_ref, whatever β", async () => {
  const logProbs = [-1, -900];
  for (const beta of [1e-3, 4]) {
    const { loss, gradients } = await runLoss(
      hinge,
      {
        chosen: logProbs,
        rejected: logProbs,
        refChosen: logProbs,
        refRejected: logProbs,
      },
      { lossOptions: { beta } },
    );
    assertClose(loss, 1);
    assertClose(gradients.chosen, -beta);
  }
});
