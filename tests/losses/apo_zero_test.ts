import { apoZero } from "lib/losses/apo_zero.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { sigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  apoZero,
  "trl",
  ({ dc, dr }) => 1 - sigmoid(0.1 * dc) + sigmoid(0.1 * dr),
);

const pair = { chosen: [-5, -400, -3], rejected: [-9, -1, -3] };
const references = { refChosen: -7, refRejected: -8 };

Deno.test("apo-zero is 1 at π = π_ref, where it pulls hardest", async () => {
  const lossOptions = { beta: 2 };
  const { loss, gradients } = await runLoss(
    apoZero,
    { chosen: [-7, -6], refChosen: -7, rejected: [-8, -9], refRejected: -8 },
    { lossOptions },
  );
  assertClose(loss, [1, 2 * sigmoid(-2)]);
  const slope = 2 * sigmoid(2) * sigmoid(-2);
  assertClose(gradients.chosen, [-0.5, -slope]);
  assertClose(gradients.rejected, [0.5, slope]);
});

Deno.test("apo-zero of a pair and of the pair swapped add up to 2", async () => {
  const { loss } = await runLoss(apoZero, { ...pair, ...references });
  const other = await runLoss(apoZero, {
    chosen: pair.rejected,
    rejected: pair.chosen,
    refChosen: references.refRejected,
    refRejected: references.refChosen,
  });
  assertClose(loss.map((x, i) => x + other.loss[i]!), 2);
});
