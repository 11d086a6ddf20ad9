import { add, min, mul, neg, scale } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Balanced Preference Optimization, https://arxiv.org/abs/2506.03557, with the
 * logistic loss. The default of α is that of the paper's comparison of losses.
 */
export const bpo = pairLoss({
  id: "bpo",
  title: "Balanced Preference Optimization",
  mark: { color: "blue", dash: "dash", symbol: "diamond" },
  formula: "−log σ(β min(Δ_w, −αΔ_l)), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "DPO sees the sum of `Δ_w` and `−Δ_l`: a large fall of `y_l` makes up for a fall of `y_w`.",
    "The smaller of both is the margin here. Only the completion that lags is trained, and the loss is below log 2 only if `y_w` has risen and `y_l` has fallen.",
    "`y_l` falls more easily than `y_w` rises. With `α < 1` it has to fall by `1/α` nats for each nat of `y_w`.",
  ],
  source: "BPO, https://arxiv.org/abs/2506.03557",
  options: {
    beta,
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.3,
      above: 0,
      max: 1,
      help: "gap adaptor: how much the rejected completion's fall counts",
      aka: ["balance_factor"],
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, alpha }) => {
    const rise = logRatio(chosen);
    const fall = neg(mul(alpha, logRatio(rejected)));
    // At π = π_ref both are 0: the gradient starts with half for each.
    const lesser = scale(add(min(rise, fall), min(fall, rise)), 0.5);
    return { loss: negLogSigmoid(mul(beta, lesser)) };
  },
});
