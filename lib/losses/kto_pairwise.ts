import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { negLogSigmoid, perToken } from "./sequences.ts";

/**
 * What is often taught as KTO:
 *
 *     L = −log σ(β (f(x,y_w) − f(x,y_l)))
 *
 * with f the model's score of an answer, its summed or mean log-probability.
 *
 * It is neither KTO, which needs no pairs and compares with a reference point,
 * nor DPO, whose scores are relative to π_ref: it is Bradley–Terry with the
 * log-probability itself as the reward (DPO reference-free; with means, SimPO
 * without its margin). There is no KL constraint at all: π_ref appears only as
 * the start of training.
 */
export const ktoPairwise = pairLoss({
  id: "kto-pairwise",
  title: "KTO as simplified: a logistic loss of scores",
  formula: "−log σ(β(f(x,y_w) − f(x,y_l))), f = log π(y|x), summed or mean",
  source: "a common simplification; compare KTO, eq. 8, " +
    "https://arxiv.org/abs/2402.01306",
  data: "pairs",
  options: {
    beta: {
      kind: "number",
      symbol: "β",
      default: 0.1,
      above: 0,
      help: "steepness of the logistic function",
    },
    score: {
      kind: "choice",
      choices: ["sum", "mean"],
      default: "sum",
      help: "log-probability of an answer: of all its tokens, or of one",
    },
  },
  usesReference: () => false,
  terms: ({ chosen, rejected }, { beta, score }) => {
    const [w, l] = score === "mean"
      ? [perToken(chosen), perToken(rejected)]
      : [chosen.logProb, rejected.logProb];
    return { loss: negLogSigmoid(mul(beta, sub(w, l))) };
  },
});
