import { ktoPairwise } from "lib/losses/kto_pairwise.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

const pair = {
  chosen: [-10, -700, -6],
  rejected: [-20, -2, -6],
  chosenLength: [5, 100, 1],
  rejectedLength: [4, 1, 3],
};
const swapped = {
  chosen: pair.rejected,
  rejected: pair.chosen,
  chosenLength: pair.rejectedLength,
  rejectedLength: pair.chosenLength,
};
const negLogSigmoid = (x: number) => Math.log1p(Math.exp(-x));

/** f(y_w) − f(y_l) of the pairs, by hand. */
const MARGINS = { sum: [10, -698, 0], mean: [-2 + 5, -7 + 2, -6 + 2] };

for (const [score, margins] of Object.entries(MARGINS)) {
  const lossOptions = { beta: 0.5, score };

  Deno.test(`kto-pairwise with the ${score} as score is −log σ(β · margin)`, async () => {
    const { loss } = await runLoss(ktoPairwise, pair, { lossOptions });
    assertClose(loss, margins.map((x) => negLogSigmoid(x / 2)));
  });

  Deno.test(`kto-pairwise with the ${score} as score loses β times the margin when swapped`, async () => {
    const { loss } = await runLoss(ktoPairwise, pair, { lossOptions });
    const other = await runLoss(ktoPairwise, swapped, { lossOptions });
    assertClose(
      loss.map((x, i) => x - other.loss[i]!),
      margins.map((x) => -x / 2),
    );
  });
}
