import { ipo } from "lib/losses/ipo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { testPreset } from "./peer_formula.ts";

testPreset(ipo, "trl", ({ dc, nc, dr, nr }) => (dc / nc - dr / nr - 5) ** 2);
testPreset(
  ipo,
  "llama-factory",
  ({ dc, nc, dr, nr }) => (dc / nc - dr / nr - 5) ** 2,
);
testPreset(ipo, "paper-repo", ({ dc, dr }) => (dc - dr - 5) ** 2);

/** Margins of 4 nats between sums, and of 1 and −1 nats between means. */
const pair = {
  chosen: [-10, -30],
  refChosen: [-16, -40],
  chosenLength: [3, 10],
  rejected: [-8, -4],
  refRejected: [-10, -10],
  rejectedLength: [2, 3],
};

Deno.test("ipo is the squared distance of the margin of sums to 1/(2τ)", async () => {
  const lossOptions = { beta: 0.25 };
  const { loss, gradients } = await runLoss(ipo, pair, { lossOptions });
  assertClose(loss, [4, 4]);
  assertClose(gradients.chosen, 4);
  assertClose(gradients.rejected, -4);
});

Deno.test("ipo takes means over tokens on demand", async () => {
  const lossOptions = { beta: 0.5, reduction: "mean" };
  const { loss, gradients } = await runLoss(ipo, pair, { lossOptions });
  assertClose(loss, [0, 4]);
  assertClose(gradients.chosen, [0, 2 * -2 / 10]);
  assertClose(gradients.rejected, [0, 2 * 2 / 3]);
});

Deno.test("ipo is at rest at a margin of 1/(2τ) and pulls back beyond", async () => {
  const { loss, gradients } = await runLoss(
    ipo,
    { chosen: [-1, -1, -1], rejected: [-2, -3, -4] },
    { lossOptions: { beta: 0.25 } },
  );
  assertClose(loss, [1, 0, 1]);
  assertClose(gradients.chosen, [-2, 0, 2]);
});
