import { completionLoss } from "./loss.ts";
import { likelihoodOptions, nll } from "./nll.ts";

/**
 * Supervised fine-tuning on the chosen completions, averaged over tokens.
 * It says nothing about y_l, whose probability mostly rises along (section 3
 * of https://arxiv.org/abs/2403.07691).
 */
export const sft = completionLoss({
  id: "sft",
  title: "Supervised fine-tuning on chosen completions",
  mark: { color: "purple", dash: "solid", symbol: "x" },
  formula: "−log π(y_w|x), averaged over tokens",
  derivation: [
    "Maximum likelihood: minimising `−log π(y_w|x)` over the data minimises the KL divergence from the data to the policy.",
    "Nothing keeps the policy near `π_ref`.",
  ],
  source: "ORPO, section 3, https://arxiv.org/abs/2403.07691",
  options: likelihoodOptions({ reduction: "token" }),
  presets: {
    trl: { names: ["sft"], options: {} },
    "llama-factory": { names: ["sft"], options: {} },
  },
  terms: (batch, options) => ({ loss: nll(batch, options) }),
});
