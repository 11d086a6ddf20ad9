import { add, mul, neg } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Noise Contrastive Alignment of pairs, https://arxiv.org/abs/2402.05369.
 *
 * Rewards are absolute here, not only compared: that of y_w is at rest at
 * log 2, above its reference, where DPO may let both fall.
 */
export const nca = pairLoss({
  id: "nca",
  title: "Noise Contrastive Alignment",
  mark: { color: "sky", dash: "dot", symbol: "cross" },
  formula: "−log σ(r_w) − 1/2 log σ(−r_w) − 1/2 log σ(−r_l), " +
    "r = β(log π(y|x) − log π_ref(y|x))",
  derivation: [
    "Noise contrastive estimation: tell answers of the optimal policy `π^⋆ ∝ π_ref e^r` from answers of `π_ref`, by a classifier whose logit is `r = β log(π/π_ref)`.",
    "In a pair `y_w` stands for the first, `−log σ(r_w)`, and both answers, half each, for the second: `−1/2 (log σ(−r_w) + log σ(−r_l))`.",
    "`r_w` is at rest where `σ(r_w) = 2/3`; `r_l` is only ever lowered.",
  ],
  source: "NCA, https://arxiv.org/abs/2402.05369",
  options: { beta: { ...beta, default: 0.01 } },
  presets: { trl: { names: ["nca_pair"], options: { beta: 0.1 } } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    const good = mul(beta, logRatio(chosen));
    const bad = mul(beta, logRatio(rejected));
    const noise = add(negLogSigmoid(neg(good)), negLogSigmoid(neg(bad)));
    return { loss: add(negLogSigmoid(good), mul(0.5, noise)) };
  },
});
