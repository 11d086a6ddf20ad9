import { add, detach, exp, min, mul, sub } from "../ops/elementwise.ts";
import type { Sequences, Tokens } from "./batch.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid, perToken } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Weighted Preference Optimization, https://arxiv.org/abs/2406.11827: DPO with
 * each pair weighted by how much it looks like the policy's own, so that old
 * data teach as if they had been sampled now. No gradient flows through w.
 */
export const wpo = pairLoss({
  id: "wpo",
  title: "Weighted Preference Optimization",
  mark: { color: "blue", dash: "dot", symbol: "cross" },
  formula: "−w(y_w) w(y_l) log σ(β(Δ_w − Δ_l)), " +
    'log w(y) = "mean over tokens of" (log π(y_t) − log sum_v π(v)^2)',
  derivation: [
    "On data of other models, DPO mostly learns from pairs that the policy itself would hardly write. Weighting each pair by `π(y_w|x) π(y_l|x)` simulates pairs sampled from the policy.",
    "Probabilities of whole completions vanish with length: w is the geometric mean over tokens.",
    "`π(y_t)` is small wherever many tokens are possible. Divided by `sum_v π(v)^2`, its expectation under the policy, a sample of the policy's own has a weight near 1.",
  ],
  source: "WPO, eq. 2, https://arxiv.org/abs/2406.11827",
  options: { beta },
  presets: {
    trl: {
      names: ["wpo"],
      alone: true,
      options: {},
      note:
        "the option use_weighting, of every loss of a sum alike; aot and aot_unpaired refuse it; before 1.0 weights were at most 1",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, tokens }, { beta }) => {
    const z = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    const likeness = add(
      logWeight(chosen, tokens),
      logWeight(rejected, tokens),
    );
    const weight = detach(exp(min(likeness, LARGEST)));
    return { loss: mul(weight, negLogSigmoid(z)), metrics: { weight } };
  },
});

/**
 * Keeps the weighted loss within float32. No model gets there: over V tokens,
 * π(y_t) / Σ_v π(v)² is at most (1 + √V) / 2.
 */
const LARGEST = 60;

/** log w(y); 0 of an empty completion. */
const logWeight = (
  { length, sum }: Sequences,
  { logProb, collision }: Tokens,
) => perToken({ logProb: sum(sub(logProb, collision)), length });
