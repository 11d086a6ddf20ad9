import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";

/**
 * DPO without the weight in its gradient: the unlikelihood baseline of
 * https://arxiv.org/abs/2305.18290, section 6 and appendix C.3.
 *
 * It has no lower bound, and nothing holds the policy: y_l is pushed down
 * with the same force however unlikely it already is, and language goes with it.
 */
export const unlikelihood = pairLoss({
  id: "unlikelihood",
  title: "Unlikelihood: DPO without its gradient's weight",
  mark: { color: "purple", dash: "dash", symbol: "circle" },
  formula: "−log π(y_w|x) + α log π(y_l|x)",
  derivation: [
    "DPO's gradient raises `log π(y_w|x)` and lowers `log π(y_l|x)`, both weighted by `β σ(βΔ_l − βΔ_w)`: by how wrong the implicit reward has the pair.",
    "Here the weight is left out. A pair that is told apart already counts as much like all others, and the loss is unbounded below.",
  ],
  source: "DPO, appendix C.3, https://arxiv.org/abs/2305.18290",
  options: {
    alpha: {
      kind: "number",
      symbol: "α",
      default: 1,
      min: 0,
      max: 1,
      help: "weight of the rejected completion: 0 is fine-tuning on the chosen",
    },
  },
  terms: ({ chosen, rejected }, { alpha }) => ({
    loss: sub(mul(alpha, rejected.logProb), chosen.logProb),
  }),
});
