import { max, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";

/**
 * Sequence Likelihood Calibration with Human Feedback,
 * https://arxiv.org/abs/2305.10425, on pairs as they are (SLiC-HF-direct).
 *
 * The paper leaves open what y_ref is: an answer of the fine-tuning data, or
 * the best one known. Pairs come with y_w alone. There is no reference model.
 */
export const slic = pairLoss({
  id: "slic",
  title: "Sequence Likelihood Calibration",
  mark: { color: "sky", dash: "dot", symbol: "triangle-up" },
  formula: "max(0, δ − log π(y_w|x) + log π(y_l|x)) − λ log π(y_w|x)",
  derivation: [
    "Calibration: a better answer should be likelier by a margin, `log π(y_w|x) − log π(y_l|x) ≥ δ`; the loss is the missing part of that margin.",
    "The hinge alone may lower both. `−λ log π(y_ref|x)` holds the policy by the likelihood of a good answer, here `y_w`; no reference model is needed.",
  ],
  source: "SLiC-HF, section 2, https://arxiv.org/abs/2305.10425",
  options: {
    delta: {
      kind: "number",
      symbol: "δ",
      default: 1,
      min: 0,
      help: "wanted margin of log-probability, in nats",
    },
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 0.1,
      min: 0,
      help: "weight of the chosen completion's likelihood",
    },
  },
  terms: ({ chosen, rejected }, { delta, lambda }) => {
    const margin = sub(chosen.logProb, rejected.logProb);
    const calibration = max(sub(delta, margin), 0);
    return { loss: sub(calibration, mul(lambda, chosen.logProb)) };
  },
});
