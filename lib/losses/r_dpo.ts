import { add, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Length-regularized DPO, https://arxiv.org/abs/2403.19159.
 *
 * Descriptions of the paper and programs differ in the sign of α: some add
 * `α(n_w − n_l)`, others subtract it. The paper's own text was not compared.
 * This is the sign that follows from a price on tokens: a longer chosen answer
 * needs less of a margin. The other one asks more of such pairs, and teaches the
 * policy to write longer.
 */
export const rDpo = pairLoss({
  id: "r-dpo",
  title: "Length-regularized DPO",
  mark: { color: "blue", dash: "longdash", symbol: "diamond" },
  formula: "−log σ(β(Δ_w − Δ_l) + α(n_w − n_l)), " +
    'Δ = log π(y|x) − log π_ref(y|x), n = "tokens of" y',
  derivation: [
    "Each token costs α: `E[r − αn] − β KL(π‖π_ref)` is largest for `π ∝ π_ref exp((r − αn)/β)`.",
    "Solved for the reward: `r = βΔ + αn + β log Z(x)`. In Bradley–Terry's `r_w − r_l` the unknown `Z(x)` cancels.",
    "Where y_w is longer than y_l by enough, length alone explains the preference, and the pair pulls less; where y_w is shorter, it was preferred in spite of that, and the pair pulls more.",
    "`α = 0` is DPO.",
  ],
  source: "R-DPO, https://arxiv.org/abs/2403.19159",
  options: {
    beta,
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.01,
      min: 0,
      help: "reward that each token of an answer costs",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, alpha }) => {
    const margin = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    const longer = sub(chosen.length, rejected.length);
    return { loss: negLogSigmoid(add(margin, mul(alpha, longer))) };
  },
});
