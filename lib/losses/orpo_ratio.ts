import { sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";

/**
 * Often taught as ORPO: the log-probability ratio, which has no lower
 * bound. ORPO itself bounds the contrast by −log σ and holds the policy by the
 * likelihood of y_w; here is neither, nor a KL constraint.
 */
export const orpoRatio = pairLoss({
  id: "orpo-ratio",
  title: "ORPO as simplified: the log-probability ratio",
  mark: { color: "green", dash: "dash", symbol: "triangle-down" },
  formula: "−log(π(y_w|x) / π(y_l|x))",
  derivation: [
    "Its gradient pushes `log π(y_l|x)` down with the same force however low it is, and the loss falls without end while the policy forgets language.",
  ],
  source: "a common simplification; compare ORPO, eq. 6, " +
    "https://arxiv.org/abs/2403.07691",
  options: {},
  terms: ({ chosen, rejected }) => ({
    loss: sub(rejected.logProb, chosen.logProb),
  }),
});
