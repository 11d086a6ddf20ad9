import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { meanLogRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Length-normalized DPO, as Tülu 3 trains,
 * https://arxiv.org/abs/2411.15124. SimPO's average, with π_ref.
 */
export const lnDpo = pairLoss({
  id: "ln-dpo",
  title: "Length-normalized DPO",
  mark: { color: "blue", dash: "longdash", symbol: "x" },
  formula: "−log σ(β(Δ_w/n_w − Δ_l/n_l)), " +
    'Δ = log π(y|x) − log π_ref(y|x), n = "tokens of" y',
  derivation: [
    "DPO's reward `β log(π/π_ref)` is a sum over tokens: a longer answer has more room to move, and length itself is learnt.",
    "Divided by the number of tokens, `Δ/n` is the log-ratio of a typical token. It is smaller by the length, so β is larger.",
  ],
  source: "Tülu 3, section 5, https://arxiv.org/abs/2411.15124",
  options: {
    beta: {
      ...beta,
      default: 5,
      help: "strength of the KL constraint, per token",
    },
  },
  presets: { trl: { names: ["sigmoid_norm"], options: { beta: 0.1 } } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    const margin = sub(meanLogRatio(chosen), meanLogRatio(rejected));
    return { loss: negLogSigmoid(mul(beta, margin)) };
  },
});
