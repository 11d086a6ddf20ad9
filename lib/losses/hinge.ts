import { max, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * The hinge loss of DPO's rewards: `hinge-norm` of RSO,
 * https://arxiv.org/abs/2309.06657, and SLiC's first term with log-ratios in
 * place of log-probabilities. RSO writes γ for β.
 */
export const hinge = pairLoss({
  id: "hinge",
  title: "Hinge loss of log-ratios (RSO)",
  mark: { color: "sky", dash: "dash", symbol: "square" },
  formula: "max(0, 1 − β(Δ_w − Δ_l)), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "DPO's rewards `β log(π/π_ref)`, told apart by a support vector machine in place of logistic regression: `max(0, 1 − (r_w − r_l))` for `−log σ(r_w − r_l)`.",
    "Every pair with a margin below `1/β` pulls with the same force, and the others not at all.",
  ],
  source: "RSO, hinge-norm, https://arxiv.org/abs/2309.06657",
  options: {
    beta: {
      ...beta,
      default: 0.05,
      help: "the margin wanted is 1/β: larger stays nearer to π_ref",
    },
  },
  presets: {
    trl: { names: ["hinge"], options: { beta: 0.1 } },
    "llama-factory": { names: ["hinge"], options: { beta: 0.1 } },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    const margin = sub(logRatio(chosen), logRatio(rejected));
    return { loss: max(sub(1, mul(beta, margin)), 0) };
  },
});
