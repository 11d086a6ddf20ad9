import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { smoothed } from "./sequences.ts";
import { beta, labelSmoothing } from "./options.ts";

/** Numbers from smallest to largest, and the rank of each of them, from 0. */
export function ranked(
  numbers: readonly number[],
): { sorted: number[]; ranks: number[] } {
  const order = [...numbers.keys()].sort((a, b) => numbers[a]! - numbers[b]!);
  const ranks = new Array<number>(numbers.length);
  order.forEach((i, rank) => ranks[i] = rank);
  return { sorted: order.map((i) => numbers[i]!), ranks };
}

/**
 * Alignment via Optimal Transport on pairs, https://arxiv.org/abs/2406.05882.
 *
 * Sorting is over the optimizer batch, before the gradient: an example's
 * partner is a constant, and of two equal margins either may come first.
 */
export const aot = pairLoss({
  id: "aot",
  title: "Alignment via Optimal Transport, paired",
  mark: { color: "sky", dash: "dashdot", symbol: "circle" },
  formula: "−(1−ε) log σ(β(u_(i) − v_(i))) − ε log σ(−β(u_(i) − v_(i))), " +
    'u = log π(y_w|x) − log π(y_l|x), v = "the same of" π_ref, "sorted"',
  derivation: [
    "The aim is not that each pair's margin exceeds its margin under `π_ref`; it is that the distribution of margins does: every quantile of u above that of v (first-order stochastic dominance).",
    "Quantiles of a batch are its sorted values. The violation of dominance is an optimal transport cost, which in one dimension pairs the i-th smallest with the i-th smallest: `sum_i h(u_(i) − v_(i))`.",
    "h is the logistic loss `h(d) = −log σ(βd)`. On a batch of one pair this is DPO.",
  ],
  source: "AOT, algorithm 1, https://arxiv.org/abs/2406.05882",
  options: { beta, labelSmoothing },
  presets: {
    trl: {
      names: ["aot"],
      options: {},
      note: "sorts within each micro-batch",
    },
  },
  statistics: {
    formula: "the margin under π_ref of the rank that u has in the batch",
    outputs: { partner: "list" },
    reduce: (rows) => {
      const { ranks } = ranked(rows.map(([w, l]) => w!.logProb - l!.logProb));
      const { sorted } = ranked(
        rows.map(([w, l]) => w!.refLogProb - l!.refLogProb),
      );
      const partner = ranks.map((rank) => sorted[rank]!);
      return { values: { partner }, metrics: {}, ranks };
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, statistics }, { beta, labelSmoothing }) => {
    const margin = sub(chosen.logProb, rejected.logProb);
    const excess = sub(margin, statistics["partner"]!);
    return { loss: smoothed(mul(beta, excess), labelSmoothing) };
  },
});
