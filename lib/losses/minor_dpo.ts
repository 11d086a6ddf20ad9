import { max, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * MinorDPO, https://arxiv.org/abs/2408.09834, in the form on which descriptions
 * of the paper agree.
 */
export const minorDpo = pairLoss({
  id: "minor-dpo",
  title: "MinorDPO: a smaller penalty of the rejected",
  mark: { color: "blue", dash: "dot", symbol: "triangle-down" },
  formula: "−log σ(β(Δ_w − max(0, Δ_l))), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "DPO pushes `y_l` down without end: from `y_l` as unlikely as under `π_ref`, a further nat widens the margin like any other.",
    "`max(0, Δ_l)` counts only as much as `y_l` is likelier than under `π_ref`. Below, `y_l` is left alone, and the margin grows by `Δ_w` alone.",
    "Where `y_l` is likelier than under `π_ref`, this is DPO.",
  ],
  source: "MinorDPO, https://arxiv.org/abs/2408.09834",
  options: { beta },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    // On a tie the gradient flows to Δ_l: training starts with that of DPO.
    const margin = sub(logRatio(chosen), max(logRatio(rejected), 0));
    return { loss: negLogSigmoid(mul(beta, margin)) };
  },
});
