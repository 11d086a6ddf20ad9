import { add, mul, sub } from "../ops/elementwise.ts";
import { logistic } from "../ops/special.ts";
import { pairLoss } from "./loss.ts";
import { logRatio } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Anchored Preference Optimization away from worse answers, eq. 8 of
 * https://arxiv.org/abs/2408.06266.
 */
export const apoDown = pairLoss({
  id: "apo-down",
  title: "Anchored Preference Optimization, down",
  mark: { color: "vermilion", dash: "solid", symbol: "triangle-down" },
  formula: "σ(βΔ_w) + 1 − σ(β(Δ_w − Δ_l)), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "For chosen answers that are worse than the model's own: learning to prefer them must not make them likelier.",
    "`σ(βΔ_w)` lowers the chosen one below its anchor at 0, where π is `π_ref`, and `1 − σ(β(Δ_w − Δ_l))` the rejected one below that.",
    "At `π_ref` the two forces on `y_w` cancel, and `y_l` alone moves.",
  ],
  source: "APO, eq. 8, https://arxiv.org/abs/2408.06266",
  options: { beta },
  presets: { trl: { names: ["apo_down"], options: {} } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    const good = logRatio(chosen);
    const kept = logistic(mul(beta, good));
    // 1 − σ(z) is σ(−z), which keeps its digits where it is small.
    const wrong = logistic(mul(beta, sub(logRatio(rejected), good)));
    return { loss: add(kept, wrong) };
  },
});
