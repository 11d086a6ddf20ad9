import { add, div, exp, mul, neg, sub } from "../ops/elementwise.ts";
import { logistic, softplus } from "../ops/special.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * DiscoPOP, the log-ratio modulated loss, eq. 5 of
 * https://arxiv.org/abs/2406.08414.
 *
 * A language model proposed it. It is neither convex nor, for τ below
 * (1 − log 2)/3 ≈ 0.1, monotonic: it rises around z = 0, so that training
 * from π_ref first tells pairs wrongly apart.
 */
export const discopop = pairLoss({
  id: "discopop",
  title: "DiscoPOP: a log-ratio modulated loss",
  mark: { color: "blue", dash: "dashdot", symbol: "square" },
  formula: "(1 − m)(−log σ(z)) + m e^(−z), m = σ(z/τ), z = β(Δ_w − Δ_l), " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "For pairs in the wrong order it is the logistic loss `−log σ(z)`, which grows linearly; for the others, the exponential `e^(−z)`, which dies out.",
    "The gate `m = σ(z/τ)` passes from one to the other within some τ of z = 0.",
    "For z below 0 the gate closes faster than `e^(−z)` grows as long as `τ ≤ 1`: `m e^(−z) = e^(−log(1 + e^(−z/τ)) − z)`.",
  ],
  source: "DiscoPOP, eq. 5, https://arxiv.org/abs/2406.08414",
  options: {
    beta: { ...beta, default: 0.05 },
    tau: {
      kind: "number",
      symbol: "τ",
      default: 0.05,
      above: 0,
      max: 1,
      help: "width of the passage from logistic to exponential loss",
      aka: ["discopop_tau"],
    },
  },
  presets: { trl: { names: ["discopop"], options: { beta: 0.1 } } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, tau }) => {
    const z = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    const away = neg(div(z, tau));
    const logisticPart = mul(logistic(away), negLogSigmoid(z));
    const exponentialPart = exp(neg(add(softplus(away), z)));
    return { loss: add(logisticPart, exponentialPart) };
  },
});
