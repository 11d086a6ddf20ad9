import { completionLoss } from "./loss.ts";
import { nll, nllOver, nllReduction } from "./nll.ts";

/**
 * Supervised fine-tuning on the chosen completions,
 *
 *     L = −log π_θ(y_w|x)
 *
 * averaged over tokens. It is maximum likelihood, and by it the cross-entropy
 * from the data: nothing keeps π_θ near π_ref, and nothing is said about y_l,
 * whose probability mostly rises along (section 3 of
 * https://arxiv.org/abs/2403.07691).
 */
export const sft = completionLoss({
  id: "sft",
  title: "Supervised fine-tuning on chosen completions",
  formula: "−log π(y_w|x), averaged over tokens",
  source: "ORPO, section 3, https://arxiv.org/abs/2403.07691",
  data: "completions",
  options: { nllOver, nllReduction: { ...nllReduction, default: "token" } },
  usesReference: () => false,
  scoresPrompts: ({ nllOver }) => nllOver === "all",
  terms: (batch, options) => ({ loss: nll(batch, options) }),
});
