import { div, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta, labelSmoothing } from "./options.ts";

/**
 * Provably Robust DPO (rDPO), section 3 of https://arxiv.org/abs/2403.00409.
 *
 * Where cDPO's smoothing makes the loss conservative, this one makes it
 * unbiased. The price: it has no lower bound.
 */
export const robust = pairLoss({
  id: "robust",
  title: "Robust DPO",
  mark: { color: "blue", dash: "dash", symbol: "square" },
  formula: "(−(1−ε) log σ(β(Δ_w − Δ_l)) + ε log σ(−β(Δ_w − Δ_l))) / (1−2ε), " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "A share ε of the labels is flipped, so that DPO's loss L of what is observed has the mean `(1−ε) L(w,l) + ε L(l,w)`.",
    "`((1−ε) L(w,l) − ε L(l,w)) / (1−2ε)` undoes the flips: its mean over them is `L(w,l)` of the true labels.",
    "With z = β(Δ_w − Δ_l) that is `−log σ(z) − ε/(1−2ε) z`, for `log σ(z) − log σ(−z) = z`: pairs that are told apart go on being pushed.",
  ],
  source: "Provably Robust DPO, section 3, https://arxiv.org/abs/2403.00409",
  options: {
    beta,
    labelSmoothing: {
      ...labelSmoothing,
      default: 0.1,
      help: "known share of flipped labels",
    },
  },
  presets: { trl: { names: ["robust"], options: { labelSmoothing: 0 } } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, labelSmoothing }) => {
    const z = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    const bonus = div(labelSmoothing, sub(1, mul(2, labelSmoothing)));
    return { loss: sub(negLogSigmoid(z), mul(bonus, z)) };
  },
});
