import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { beta } from "./options.ts";
import { negLogSigmoid, perToken } from "./sequences.ts";

/**
 * Often taught as KTO: a logistic loss of the model's scores.
 *
 * It is neither KTO, which needs no pairs and compares with a reference point,
 * nor DPO, whose scores are relative to π_ref. There is no KL constraint at
 * all: π_ref appears only as the start of training.
 */
export const ktoPairwise = pairLoss({
  id: "kto-pairwise",
  title: "KTO as simplified: a logistic loss of scores",
  mark: { color: "vermilion", dash: "dash", symbol: "x" },
  formula: '−log σ(β(f(x,y_w) − f(x,y_l))), f = log π(y|x), "summed or mean"',
  derivation: [
    "Bradley–Terry with the log-probability itself as the reward: DPO reference-free; with means, SimPO without its margin.",
  ],
  source: "a common simplification; compare KTO, eq. 8, " +
    "https://arxiv.org/abs/2402.01306",
  options: {
    beta: { ...beta, help: "steepness of the logistic function" },
    score: {
      kind: "choice",
      choices: ["sum", "mean"],
      default: "sum",
      help: "log-probability of an answer: of all its tokens, or of one",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, score }) => {
    const [w, l] = score === "mean"
      ? [perToken(chosen), perToken(rejected)]
      : [chosen.logProb, rejected.logProb];
    return { loss: negLogSigmoid(mul(beta, sub(w, l))) };
  },
});
