import type { Value } from "../onnx/graph.ts";
import { add, min, mul, sub } from "../ops/elementwise.ts";
import { log1mExp } from "../ops/logistic.ts";
import { pairLoss, type Sequences } from "./loss.ts";
import { nll, nllOver, nllReduction } from "./nll.ts";
import { negLogSigmoid, perToken } from "./sequences.ts";

/** The float32 next to 1 is 1 − 2⁻²⁴: no log-probability but 0 is nearer to 0. */
const NEAREST_TO_ZERO = -(2 ** -24);

/**
 * Odds Ratio Preference Optimization, eq. 6 and 7 of
 * https://arxiv.org/abs/2403.07691:
 *
 *     L = −log P(y_w|x) + λ · −log σ(log odds(y_w|x)/odds(y_l|x))
 *
 * with odds = P / (1 − P), and log P(y|x) the *mean* log-probability of y's
 * tokens (eq. 1): with the sum, P is so small that odds and P are the same.
 *
 * The first term is fine-tuning on the chosen answer, which also raises the
 * rejected one; the second tells them apart. There is no reference model and
 * no KL constraint: what holds the policy is the likelihood term, and
 * λ weighs the contrast against it. log odds = a − log(1 − eᵃ) with a = log P,
 * computed without loss for a near 0.
 */
export const orpo = pairLoss({
  id: "orpo",
  title: "Odds Ratio Preference Optimization",
  formula: "NLL(y_w) − λ log σ(o_w − o_l), o = a − log(1 − exp a), " +
    "a = mean token log π(y|x)",
  source: "ORPO, eq. 6, https://arxiv.org/abs/2403.07691",
  data: "pairs",
  options: {
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 0.1,
      min: 0,
      help: "weight of the odds-ratio term",
    },
    nllOver,
    nllReduction: { ...nllReduction, default: "example" },
  },
  usesReference: () => false,
  scoresPrompts: ({ nllOver }) => nllOver === "all",
  terms: ({ chosen, rejected, prompt, totals }, { lambda, ...options }) => {
    const likelihood = nll({ completion: chosen, prompt, totals }, options);
    const oddsRatio = oddsRatioLoss(chosen, rejected);
    return {
      loss: add(likelihood, mul(lambda, oddsRatio)),
      metrics: { nll: likelihood, oddsRatio },
    };
  },
});

/** −log σ(log odds(y_w|x)/odds(y_l|x)), eq. 7. */
export function oddsRatioLoss(chosen: Sequences, rejected: Sequences): Value {
  return negLogSigmoid(sub(logOdds(chosen), logOdds(rejected)));
}

function logOdds(sequences: Sequences): Value {
  const a = min(perToken(sequences), NEAREST_TO_ZERO);
  return sub(a, log1mExp(a));
}
