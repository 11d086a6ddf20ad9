import { add, mul, neg } from "../ops/elementwise.ts";
import { logistic } from "../ops/special.ts";
import { pairLoss } from "./loss.ts";
import { logRatio } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Anchored Preference Optimization towards better answers, eq. 7 of
 * https://arxiv.org/abs/2408.06266.
 */
export const apoZero = pairLoss({
  id: "apo-zero",
  title: "Anchored Preference Optimization, zero",
  mark: { color: "vermilion", dash: "longdash", symbol: "diamond" },
  formula: "1 − σ(βΔ_w) + σ(βΔ_l), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "DPO sees the difference `Δ_w − Δ_l` alone, and both may fall. Here each log-ratio is anchored at 0, where π is `π_ref`.",
    "For chosen answers that are better than the model's own: `Δ_w` is raised above the anchor and `Δ_l` lowered below it.",
    "Both saturate: the force is largest at the anchor and dies out on either side.",
  ],
  source: "APO, eq. 7, https://arxiv.org/abs/2408.06266",
  options: { beta },
  presets: { trl: { names: ["apo_zero"], options: {} } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    // 1 − σ(z) is σ(−z), which keeps its digits where it is small.
    const missing = logistic(neg(mul(beta, logRatio(chosen))));
    const kept = logistic(mul(beta, logRatio(rejected)));
    return { loss: add(missing, kept) };
  },
});
