import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { beta, labelSmoothing } from "./options.ts";
import { logRatio, smoothed } from "./sequences.ts";

/**
 * Direct Preference Optimization, eq. 7 of https://arxiv.org/abs/2305.18290.
 *
 * It minimises the likelihood loss of a reward model that *is* the policy. The KL constraint hides in the form of the reward: β sets how far
 * from π_ref the policy must go to express one; nothing in the loss itself
 * holds it on pairs that are already told apart, nor off the data.
 *
 * Label smoothing is cDPO, https://ericmitchell.ai/cdpo.pdf, eq. 3.
 */
export const dpo = pairLoss({
  id: "dpo",
  title: "Direct Preference Optimization",
  mark: { color: "blue", dash: "solid", symbol: "circle" },
  formula: "−(1−ε) log σ(β(Δ_w − Δ_l)) − ε log σ(−β(Δ_w − Δ_l)), " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "Bradley–Terry: with rewards r, `y_w` is preferred with probability `σ(r(x,y_w) − r(x,y_l))`, whose negative log-likelihood is `−log σ(r_w − r_l)`.",
    "Of all π, `E[r] − β KL(π‖π_ref)` is largest for `π ∝ π_ref exp(r/β)`. Solved for the reward: `r = β log(π/π_ref) + β log Z(x)`.",
    "In the difference `r_w − r_l` the unknown `Z(x)` cancels.",
    "Label smoothing (cDPO) takes labels as flipped with probability ε: `(1−ε) L(w,l) + ε L(l,w)`.",
  ],
  source: "DPO, eq. 7, https://arxiv.org/abs/2305.18290",
  options: {
    beta,
    labelSmoothing: {
      ...labelSmoothing,
      help: "assumed share of flipped labels (cDPO)",
    },
    referenceFree: { kind: "toggle", help: "takes log π_ref as 0" },
  },
  presets: {
    trl: {
      names: ["sigmoid"],
      options: {},
      note: "since 1.0 it does not read the label smoothing here",
    },
    "llama-factory": { names: ["sigmoid"], options: {} },
    "paper-repo": { names: ["dpo"], options: {}, note: "β has no default" },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, labelSmoothing, referenceFree }) => {
    const delta = referenceFree
      ? sub(chosen.logProb, rejected.logProb)
      : sub(logRatio(chosen), logRatio(rejected));
    return { loss: smoothed(mul(beta, delta), labelSmoothing) };
  },
});
