import { mul, sub } from "../ops/elementwise.ts";
import { runningShift } from "./bco.ts";
import { labelLoss } from "./loss.ts";
import { logRatio, negLogSigmoid, signOf } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Binary Classifier Optimization of completions that come with a label and not
 * in pairs, https://arxiv.org/abs/2404.04656, without the paper's weights for
 * desirable and undesirable prompts that differ.
 */
export const bcoUnpaired = labelLoss({
  id: "bco-unpaired",
  title: "Binary Classifier Optimization of labelled completions",
  mark: { color: "vermilion", dash: "dashdot", symbol: "triangle-up" },
  formula: '−log σ(βΔ − δ) "if desirable," −log σ(δ − βΔ) "if not", ' +
    'Δ = log π(y|x) − log π_ref(y|x), δ = "running mean of" βΔ',
  derivation: [
    "Whether y is desirable is classified with the reward `βΔ`, less a shift δ, as logit.",
    "The mean of such a loss over desirable and over undesirable completions is above that of `−log σ(βΔ_w − βΔ_l)` over all pairs of them, which is DPO's.",
    "δ between the rewards of both kinds keeps the bound near: their mean.",
  ],
  source: "BCO, https://arxiv.org/abs/2404.04656",
  options: { beta },
  presets: {
    trl: {
      names: ["bco"],
      alone: true,
      options: {},
      note:
        "BCOTrainer, which is gone after 1.13; δ is updated with each micro-batch, not in evaluation; density-ratio weights are an option there",
    },
  },
  statistics: runningShift,
  rewardScale: ({ beta }) => beta,
  terms: ({ completion, desirable, statistics }, { beta }) => {
    const logit = sub(mul(beta, logRatio(completion)), statistics["delta"]!);
    return { loss: negLogSigmoid(mul(signOf(desirable), logit)) };
  },
});
