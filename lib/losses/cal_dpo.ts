import { add, div, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Calibrated DPO, eq. 10 of https://arxiv.org/abs/2412.14516.
 *
 * β is in the targets alone: the contrast compares log-ratios as they are.
 */
export const calDpo = pairLoss({
  id: "cal-dpo",
  title: "Calibrated DPO",
  mark: { color: "sky", dash: "dash", symbol: "diamond" },
  formula: "−log σ(Δ_w − Δ_l) + λ((Δ_w − 1/(2β))^2 + (Δ_l + 1/(2β))^2), " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "DPO sees the difference `Δ_w − Δ_l` alone, and both may fall.",
    "`π ∝ π_ref exp(r/β)` has log-ratios of `r/β`. With a reward of 1/2 for the chosen answer and of −1/2 for the rejected one, `Δ_w` should be `1/(2β)` and `Δ_l` should be `−1/(2β)`.",
    "The squares pull each log-ratio to its own target, from either side: `y_w` is raised above `π_ref`, and `y_l` is lowered by no more than that. The contrast pushes both a little beyond.",
  ],
  source: "Cal-DPO, eq. 10, https://arxiv.org/abs/2412.14516",
  options: {
    beta: {
      ...beta,
      help: "strength of the KL constraint: the targets are 1/(2β) and −1/(2β)",
    },
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 1,
      min: 0,
      help: "weight of the distance to the targets",
      aka: ["caldpo_lambda"],
    },
  },
  presets: {
    "paper-repo": {
      names: ["Cal-DPO"],
      options: { lambda: 0.5 },
      note: "β is 0.001 or 0.002 there",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, lambda }) => {
    const [w, l] = [logRatio(chosen), logRatio(rejected)];
    const target = div(0.5, beta);
    const [missW, missL] = [sub(w, target), add(l, target)];
    const calibration = add(mul(missW, missW), mul(missL, missL));
    const contrast = negLogSigmoid(sub(w, l));
    return { loss: add(contrast, mul(lambda, calibration)) };
  },
});
