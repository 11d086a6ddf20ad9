import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { beta } from "./options.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";

/** The least β of a batch, as in the authors' code; the paper names none. */
const LEAST_BETA = 1e-3;

/**
 * β-DPO, https://arxiv.org/abs/2407.08639: β of each optimizer batch follows
 * how far its pairs are apart already, larger where they are farther.
 *
 * This is the β of a batch; the paper's filter, which leaves out the pairs that
 * are least usual, is not here. Evaluations take β₀, so that they compare.
 */
export const betaDpo = pairLoss({
  id: "beta-dpo",
  title: "DPO with a β that follows the batch",
  mark: { color: "blue", dash: "solid", symbol: "triangle-up" },
  formula: "−log σ(β(Δ_w − Δ_l)), β = β_0(1 + α(M − M_0)), " +
    'M = "mean of" β_0(Δ_w − Δ_l), Δ = log π(y|x) − log π_ref(y|x)',
  derivation: [
    "The best β depends on the pairs: where chosen and rejected answers are hard to tell apart, a small β lets the policy move; where they are far apart, perhaps by mistake, a large one holds it.",
    "M, the mean reward margin of the batch, says how far apart they are. `β = β_0(1 + α(M − M_0))` compares it with `M_0`, its moving average: `M_0 := m M_0 + (1 − m) M`.",
    "β is one for the batch, and a constant to the gradient.",
  ],
  source: "β-DPO, section 4, https://arxiv.org/abs/2407.08639",
  options: {
    beta: {
      ...beta,
      symbol: "β_0",
      help: "strength of the KL constraint of a usual batch",
    },
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.6,
      min: 0,
      help: "how strongly β follows the margin",
      aka: ["a"],
    },
    momentum: {
      kind: "number",
      symbol: "m",
      default: 0.9,
      min: 0,
      max: 1,
      help: "share of M_0 that a step keeps",
    },
    margin: {
      kind: "choice",
      choices: ["reward", "log-ratio"],
      default: "reward",
      help: "M: margin of rewards, or of log-ratios without β_0",
    },
  },
  presets: {
    "paper-repo": {
      names: ["beta_DPO"],
      options: { margin: "log-ratio" },
      note:
        "also leaves out a fifth of each batch by chance; β₀ has no default",
    },
  },
  statistics: {
    formula: "β/β₀ = max(1 + α(M − M₀), 0.001/β₀), " +
      "M₀ the moving average, with this batch in it",
    outputs: { factor: "number" },
    initialState: { mean: 0 },
    forEvaluation: () => ({ values: { factor: 1 }, metrics: {} }),
    reduce: (rows, { beta, alpha, momentum, margin }, { mean = 0 }) => {
      const margins = rows.map(([w, l]) =>
        w!.logProb - w!.refLogProb - l!.logProb + l!.refLogProb
      );
      const unit = margin === "reward" ? beta : 1;
      const now = unit * margins.reduce((a, b) => a + b, 0) / margins.length;
      const next = momentum * mean + (1 - momentum) * now;
      const factor = Math.max(1 + alpha * (now - next), LEAST_BETA / beta);
      return {
        values: { factor },
        metrics: { beta: beta * factor, margin: now },
        state: { mean: next },
      };
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, statistics }, { beta }) => {
    const margin = sub(logRatio(chosen), logRatio(rejected));
    const used = mul(beta, statistics["factor"]!);
    return { loss: negLogSigmoid(mul(used, margin)) };
  },
});
