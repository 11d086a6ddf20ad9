import { orpoProbabilityRatio } from "lib/losses/orpo_probability_ratio.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

const pair = {
  chosen: [-10, -700, -1e-3],
  rejected: [-20, -2, -4],
  chosenLength: [5, 100, 1],
  rejectedLength: [4, 1, 2],
};
/** a_w − a_l */
const ratios = [-2 + 5, -7 + 2, -1e-3 + 2];

Deno.test("orpo-probability-ratio is the NLL and λ times −log σ of the ratio", async () => {
  const { loss } = await runLoss(orpoProbabilityRatio, pair, {
    lossOptions: { lambda: 0.25 },
  });
  const nll = [2, 7, 1e-3];
  assertClose(loss, ratios.map((x, i) => nll[i]! - 0.25 * logSigmoid(x)));
});

Deno.test("orpo-probability-ratio pulls with a token's share of the slope", async () => {
  const { gradients } = await runLoss(orpoProbabilityRatio, pair, {
    lossOptions: { lambda: 2, nllWeight: 0 },
  });
  const slopes = ratios.map((x) => 2 * sigmoid(-x));
  assertClose(
    gradients.chosen,
    slopes.map((slope, i) => -slope / pair.chosenLength[i]!),
  );
  assertClose(
    gradients.rejected,
    slopes.map((slope, i) => slope / pair.rejectedLength[i]!),
  );
});
