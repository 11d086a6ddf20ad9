import { sppo } from "lib/losses/sppo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { testPreset } from "./peer_formula.ts";

testPreset(sppo, "trl", ({ dc, dr }) => (dc - 5) ** 2 + (dr + 5) ** 2);

Deno.test("sppo is 1/(2β²) at π = π_ref", async () => {
  for (const beta of [1e-3, 0.1, 4]) {
    const { loss, gradients } = await runLoss(
      sppo,
      { chosen: [-9], refChosen: -9, rejected: [-70], refRejected: -70 },
      { lossOptions: { beta } },
    );
    assertClose(loss, 0.5 / beta ** 2);
    assertClose(gradients.chosen, -1 / beta);
    assertClose(gradients.rejected, 1 / beta);
  }
});

Deno.test("sppo is at rest at log-ratios of 1/(2β) and −1/(2β), each for itself", async () => {
  const { loss, gradients } = await runLoss(
    sppo,
    {
      chosen: [-8, -8, -6],
      refChosen: -10,
      rejected: [-12, -11, -12],
      refRejected: -10,
    },
    { lossOptions: { beta: 0.25 } },
  );
  assertClose(loss, [0, 1, 4]);
  assertClose(gradients.chosen, [0, 0, 4]);
  assertClose(gradients.rejected, [0, 2, 0]);
});
