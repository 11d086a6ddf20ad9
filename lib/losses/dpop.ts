import { add, min, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/** DPO-Positive, eq. 3 of https://arxiv.org/abs/2402.13228 (Smaug). */
export const dpop = pairLoss({
  id: "dpop",
  title: "DPO-Positive",
  mark: { color: "blue", dash: "dot", symbol: "triangle-up" },
  formula: "−log σ(β(Δ_w − Δ_l − λ max(0, −Δ_w))), " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "DPO falls as long as `Δ_w − Δ_l` rises, even if `y_w` itself becomes less likely: in pairs that differ in few tokens, what follows the difference does.",
    "`λ max(0, −Δ_w)` takes from the margin what `y_w` has lost against `π_ref`. Inside of the sigmoid, it counts only where the pair is not told apart in spite of it.",
    "Where `y_w` is at least as likely as under `π_ref`, this is DPO.",
  ],
  source: "DPOP, eq. 3, https://arxiv.org/abs/2402.13228",
  options: {
    beta: { ...beta, default: 0.3 },
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 50,
      min: 0,
      help: "weight of what the chosen completion has lost against π_ref",
      aka: ["dpop_lambda"],
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, lambda }) => {
    const gain = logRatio(chosen);
    // On a tie the gradient flows to 0: training starts with that of DPO.
    const lost = mul(lambda, min(0, gain));
    const margin = add(sub(gain, logRatio(rejected)), lost);
    return { loss: negLogSigmoid(mul(beta, margin)) };
  },
});
