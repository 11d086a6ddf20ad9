import { div, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, meanLogRatio } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Identity Preference Optimization, eq. 17 of https://arxiv.org/abs/2310.12036.
 *
 * The paper's bandits have no lengths. In a language model the margin of sums
 * grows with them; trainers that take means mean another τ.
 */
export const ipo = pairLoss({
  id: "ipo",
  title: "Identity Preference Optimization",
  mark: { color: "sky", dash: "solid", symbol: "diamond" },
  formula: "(Δ_w − Δ_l − 1/(2τ))^2, " +
    'Δ = log π(y|x) − log π_ref(y|x), "summed or mean over tokens"',
  derivation: [
    "DPO maximises `log(p/(1 − p))` of the preference p, which is infinite where p = 1: on pairs that nobody contests the KL constraint is lost, whatever its weight.",
    "IPO maximises p itself: `p(y_w ≻ y_l) − τ KL(π‖π_ref)`.",
    "At its optimum the margin `Δ_w − Δ_l` is the difference in preference over τ. Regressed on labels, `1/τ` for a pair and 0 for the pair swapped, it has the target `1/(2τ)`: finite, and margins beyond it are pulled back.",
  ],
  source: "IPO, eq. 17, https://arxiv.org/abs/2310.12036",
  options: {
    beta: {
      ...beta,
      symbol: "τ",
      help: "strength of the KL constraint: the margin's target is 1/(2τ)",
    },
    reduction: {
      kind: "choice",
      choices: ["sum", "mean"],
      default: "sum",
      help: "log-ratio of an answer: of all its tokens, or of one",
    },
  },
  presets: {
    trl: { names: ["ipo"], options: { reduction: "mean" } },
    "llama-factory": { names: ["ipo"], options: { reduction: "mean" } },
    "paper-repo": {
      names: ["ipo"],
      options: {},
      note: "in the repository of DPO's paper; β has no default",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, reduction }) => {
    const ratio = reduction === "mean" ? meanLogRatio : logRatio;
    const margin = sub(ratio(chosen), ratio(rejected));
    const miss = sub(margin, div(0.5, beta));
    return { loss: mul(miss, miss) };
  },
});
