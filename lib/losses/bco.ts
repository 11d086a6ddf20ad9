import { add, mul, neg, sub } from "../ops/elementwise.ts";
import { pairLoss, type Statistics } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/** The options of losses whose rewards are shifted. */
type Rewarded = { readonly beta: typeof beta };

/**
 * δ, the mean reward β log π/π_ref of every completion seen so far, those of
 * this batch included, each under the policy of its time.
 */
export const runningShift = {
  formula: "δ = mean of βΔ over every completion seen so far, this batch's too",
  outputs: { delta: "number" },
  initialState: { mean: 0, count: 0 },
  forEvaluation: ({ mean = 0 }) => ({ values: { delta: mean }, metrics: {} }),
  reduce: (rows, { beta }, { mean = 0, count = 0 }) => {
    const rewards = rows.flat().map(({ logProb, refLogProb }) =>
      beta * (logProb - refLogProb)
    );
    const seen = count + rewards.length;
    const delta = rewards.reduce((at, r) => at + (r - mean) / seen, mean);
    return {
      values: { delta },
      metrics: { delta },
      state: { mean: delta, count: seen },
    };
  },
} as const satisfies Statistics<Rewarded>;

/**
 * Binary Classifier Optimization, https://arxiv.org/abs/2404.04656: a
 * classifier that tells chosen from rejected completions, one at a time, with
 * the reward as its logit.
 */
export const bco = pairLoss({
  id: "bco",
  title: "Binary Classifier Optimization",
  mark: { color: "vermilion", dash: "dot", symbol: "circle" },
  formula: "−log σ(βΔ_w − δ) − log σ(−(βΔ_l − δ)), " +
    'Δ = log π(y|x) − log π_ref(y|x), δ = "running mean of" βΔ',
  derivation: [
    "Whether y was chosen is classified with the reward as logit: `−log σ(r_w)` for a chosen one, `−log σ(−r_l)` for a rejected one, with `r = βΔ`.",
    "As `σ(a) σ(b) < σ(a + b)`, both together are above the loss of DPO, `−log σ(r_w − r_l)`: minimising them minimises it as well.",
    "That holds for rewards less any δ, which the difference cancels. The bound is near where δ lies between chosen and rejected rewards: their mean.",
  ],
  source: "BCO, https://arxiv.org/abs/2404.04656",
  options: {
    beta,
    shift: {
      kind: "choice",
      choices: ["running", "none"],
      default: "running",
      help: "reward shift δ: the running mean of rewards, or 0",
    },
  },
  presets: {
    trl: { names: ["bco_pair"], options: { shift: "none" } },
  },
  statistics: {
    ...runningShift,
    rows: (examples, { shift }) => shift === "none" ? [] : examples,
    reduce: (rows, options, state) =>
      options.shift === "none"
        ? { values: { delta: 0 }, metrics: {} }
        : runningShift.reduce(rows, options, state),
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, statistics }, { beta }) => {
    const delta = statistics["delta"]!;
    const logit = (ratio: typeof delta) => sub(mul(beta, ratio), delta);
    return {
      loss: add(
        negLogSigmoid(logit(logRatio(chosen))),
        negLogSigmoid(neg(logit(logRatio(rejected)))),
      ),
    };
  },
});
