import { add, detach, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { beta } from "./options.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";

/**
 * Distributionally robust DPO, https://arxiv.org/abs/2407.07880: a soft minimum
 * over the optimizer batch, in which pairs that look mislabelled weigh less.
 *
 * A loss of each example cannot hold a logarithm of their mean. Here each has
 * the value of the whole batch, R, and the gradient of its own loss times its
 * share n w in that of R, so that the mean over the batch is R with R's
 * gradient. Weights of examples come on top of w.
 */
export const drDpo = pairLoss({
  id: "dr-dpo",
  title: "Distributionally robust DPO",
  mark: { color: "blue", dash: "dash", symbol: "cross" },
  formula: "R = −τ log mean e^(−L_i/τ), L = −log σ(β(Δ_w − Δ_l)), " +
    'Δ = log π(y|x) − log π_ref(y|x), "mean over the batch"',
  derivation: [
    "Where some labels are flipped, the distribution of pairs is near the true one, and not the same. The best case among all distributions Q near the data P is `min_Q (E_Q[L] + τ KL(Q‖P))`.",
    "At its minimum `Q ∝ P e^(−L/τ)`, and the value is `R = −τ log E[e^(−L/τ)]`.",
    "The gradient of R is `sum_i w_i ∇L_i` with `w_i ∝ e^(−L_i/τ)`: a pair far on the wrong side is taken to be mislabelled and let go. For `τ → ∞` this is DPO.",
  ],
  source: "Dr. DPO, https://arxiv.org/abs/2407.07880, where τ is β′",
  options: {
    beta,
    tau: {
      kind: "number",
      symbol: "τ",
      default: 1,
      above: 0,
      help:
        "how far from the data's distribution: smaller lets go of more pairs",
      aka: ["mode_weight"],
    },
  },
  presets: {
    "paper-repo": {
      names: ["DrDPO"],
      options: {},
      note: "β has no default; averages over the micro-batch",
    },
  },
  statistics: {
    formula: "R and w over the optimizer batch",
    outputs: { risk: "number", share: "list" },
    reduce: (rows, { beta, tau }) => {
      const losses = rows.map(([w, l]) => {
        const margin = w!.logProb - w!.refLogProb - l!.logProb + l!.refLogProb;
        return softplus(-beta * margin);
      });
      const least = Math.min(...losses);
      const tilts = losses.map((loss) => Math.exp((least - loss) / tau));
      const mean = tilts.reduce((a, b) => a + b, 0) / tilts.length;
      return {
        values: {
          risk: least - tau * Math.log(mean),
          share: tilts.map((tilt) => tilt / mean),
        },
        metrics: {},
      };
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, statistics }, { beta }) => {
    const z = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    const contrast = negLogSigmoid(z);
    const change = sub(contrast, detach(contrast));
    const share = statistics["share"]!;
    return {
      loss: add(statistics["risk"]!, mul(share, change)),
      metrics: { contrast, share },
    };
  },
});

/** log(1 + eˣ) */
const softplus = (x: number): number =>
  Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
