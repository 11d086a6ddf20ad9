import { add, mul, neg, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";

/**
 * Direct Preference Optimization, eq. 7 of https://arxiv.org/abs/2305.18290:
 *
 *     L = −log σ(β (log π_θ(y_w|x)/π_ref(y_w|x) − log π_θ(y_l|x)/π_ref(y_l|x)))
 *
 * 1. Bradley–Terry: with rewards r, y_w is preferred with probability
 *    σ(r(x,y_w) − r(x,y_l)), whose negative log-likelihood is
 *    −log σ(r_w − r_l).
 * 2. Of all π, E[r] − β KL(π‖π_ref) is largest for π ∝ π_ref exp(r/β). Solved
 *    for the reward: r = β log π/π_ref + β log Z(x).
 * 3. In the difference r_w − r_l the unknown Z(x) cancels.
 *
 * What is minimised is thus the likelihood loss of a reward model that *is*
 * the policy. The KL constraint hides in step 2: β sets how far from π_ref the
 * policy must go to express a reward; nothing in the loss itself holds it on
 * pairs that are already told apart, nor off the data.
 *
 * Label smoothing ε (cDPO, https://ericmitchell.ai/cdpo.pdf, eq. 3) takes the
 * labels as flipped with probability ε: (1 − ε) L(w,l) + ε L(l,w).
 * Reference-free is the same with log π_ref = 0.
 */
export const dpo = pairLoss({
  id: "dpo",
  title: "Direct Preference Optimization",
  formula: "−(1−ε) log σ(β(Δ_w − Δ_l)) − ε log σ(−β(Δ_w − Δ_l)), " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  source: "DPO, eq. 7, https://arxiv.org/abs/2305.18290",
  data: "pairs",
  options: {
    beta: {
      kind: "number",
      symbol: "β",
      default: 0.1,
      above: 0,
      help: "strength of the KL constraint: larger stays nearer to π_ref",
    },
    labelSmoothing: {
      kind: "number",
      symbol: "ε",
      default: 0,
      min: 0,
      below: 0.5,
      help: "assumed share of flipped labels (cDPO)",
    },
    referenceFree: { kind: "toggle", help: "takes log π_ref as 0" },
  },
  usesReference: ({ referenceFree }) => !referenceFree,
  terms: ({ chosen, rejected }, { beta, labelSmoothing, referenceFree }) => {
    const delta = referenceFree
      ? sub(chosen.logProb, rejected.logProb)
      : sub(logRatio(chosen), logRatio(rejected));
    const z = mul(beta, delta);
    return {
      loss: add(
        mul(sub(1, labelSmoothing), negLogSigmoid(z)),
        mul(labelSmoothing, negLogSigmoid(neg(z))),
      ),
    };
  },
});
