import type { Value } from "../onnx/graph/graph.ts";
import { add, detach, mul, sub } from "../ops/elementwise.ts";
import { ranked } from "./aot.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, smoothed } from "./sequences.ts";
import { beta, labelSmoothing } from "./options.ts";

/**
 * Alignment via Optimal Transport on chosen and rejected completions that need
 * not belong together, https://arxiv.org/abs/2406.05882.
 *
 * The i-th smallest Δ_w and the i-th smallest Δ_l of the optimizer batch mostly
 * are of two examples. Each example has the value at its Δ_w's rank, and the
 * gradients at both of its ranks.
 */
export const aotUnpaired = pairLoss({
  id: "aot-unpaired",
  title: "Alignment via Optimal Transport, unpaired",
  mark: { color: "sky", dash: "longdash", symbol: "x" },
  formula: "−(1−ε) log σ(βd_i) − ε log σ(−βd_i), d_i = Δ_(w(i)) − Δ_(l(i)), " +
    'Δ = log π(y|x) − log π_ref(y|x), "each sorted"',
  derivation: [
    "The aim is that the rewards `βΔ` of chosen completions, whatever their prompts, are distributed above those of rejected ones: every quantile of `Δ_w` above that of `Δ_l`.",
    "Its violation is an optimal transport cost, which in one dimension pairs the i-th smallest with the i-th smallest.",
    "The cost of a difference d is `−log σ(βd)`. On a batch of one pair this is DPO.",
  ],
  source: "AOT, algorithm 1, https://arxiv.org/abs/2406.05882",
  options: { beta, labelSmoothing },
  presets: {
    trl: {
      names: ["aot_unpaired", "aot_pair"],
      options: {},
      note: "sorts within each micro-batch; before 1.0 its name was aot_pair",
    },
  },
  statistics: {
    formula: "Δ_l of the rank that Δ_w has in the batch, and the reverse",
    outputs: { rejectedPartner: "list", chosenPartner: "list" },
    reduce: (rows) => {
      const ratios = (place: 0 | 1) =>
        rows.map((row) => row[place]!.logProb - row[place]!.refLogProb);
      const [chosen, rejected] = [ranked(ratios(0)), ranked(ratios(1))];
      const { ranks } = chosen;
      const rejectedPartner = ranks.map((rank) => rejected.sorted[rank]!);
      const chosenPartner = rejected.ranks.map((rank) => chosen.sorted[rank]!);
      return {
        values: { rejectedPartner, chosenPartner },
        metrics: {},
        ranks,
      };
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, statistics }, { beta, labelSmoothing }) => {
    const cost = (difference: Value) =>
      smoothed(mul(beta, difference), labelSmoothing);
    const { rejectedPartner, chosenPartner } = statistics;
    const ofChosen = cost(sub(logRatio(chosen), rejectedPartner!));
    const ofRejected = cost(sub(chosenPartner!, logRatio(rejected)));
    // Another example has this value already; only its gradient is due here.
    const slope = sub(ofRejected, detach(ofRejected));
    return { loss: add(ofChosen, slope) };
  },
});
