import { apoDown } from "lib/losses/apo_down.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { sigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  apoDown,
  "trl",
  ({ dc, dr }) => sigmoid(0.1 * dc) + 1 - sigmoid(0.1 * (dc - dr)),
);

Deno.test("apo-down is 1 at π = π_ref, where the rejected one alone moves", async () => {
  const { loss, gradients } = await runLoss(
    apoDown,
    { chosen: [-7], refChosen: -7, rejected: [-80], refRejected: -80 },
    { lossOptions: { beta: 2 } },
  );
  assertClose(loss, 1);
  assertClose([...gradients.chosen, 1], [0, 1]);
  assertClose(gradients.rejected, 0.5);
});

Deno.test("apo-down lowers a chosen completion that is told apart", async () => {
  const { loss, gradients } = await runLoss(
    apoDown,
    { chosen: [-6, -8], refChosen: -7, rejected: [-90, -90], refRejected: -7 },
    { lossOptions: { beta: 1 } },
  );
  assertClose(loss, [sigmoid(1), sigmoid(-1)]);
  assertClose(gradients.chosen, sigmoid(1) * sigmoid(-1));
  assertClose([...gradients.rejected, 1], [0, 0, 1]);
});
