import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * DPO-Shift, eq. 3 of https://arxiv.org/abs/2502.07599, with one λ for the
 * whole of training: the paper's f(λ) = λ.
 *
 * Its other schedules move λ linearly in the step, from a least value up to 1
 * or from 1 down to it. They are not here: a loss does not know the step.
 */
export const dpoShift = pairLoss({
  id: "dpo-shift",
  title: "DPO-Shift",
  mark: { color: "blue", dash: "dot", symbol: "circle" },
  formula: "−log σ(β(Δ_w − λΔ_l)), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "Where `y_w` and `y_l` are alike, pushing `y_l` down takes `y_w` along, and DPO's margin still grows.",
    "`λ < 1` makes the reward of `y_l` count for less. Its gradient is λ times that of DPO, the one of `y_w` is as before.",
    "`y_w` ends more likely than under DPO, and the margin `Δ_w − Δ_l` smaller. `λ = 1` is DPO.",
  ],
  source: "DPO-Shift, eq. 3, https://arxiv.org/abs/2502.07599",
  options: {
    beta,
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 0.95,
      above: 0,
      max: 1,
      help: "weight of the rejected completion's reward",
      aka: ["dpo_lambda"],
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, lambda }) => {
    const margin = sub(logRatio(chosen), mul(lambda, logRatio(rejected)));
    return { loss: negLogSigmoid(mul(beta, margin)) };
  },
});
