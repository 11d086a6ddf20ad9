import { add, div, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Self-Play Preference Optimization with hard labels, eq. 4.7 of
 * https://arxiv.org/abs/2405.00675.
 *
 * The paper draws new pairs from the policy in each round and makes it the next
 * round's π_ref; this is the loss of one round.
 */
export const sppo = pairLoss({
  id: "sppo",
  title: "Self-Play Preference Optimization",
  mark: { color: "sky", dash: "dash", symbol: "star" },
  formula: "(Δ_w − 1/(2β))^2 + (Δ_l + 1/(2β))^2, " +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "A game of two policies for preference is played well by multiplicative weights: `π ∝ π_ref e^(ηp)` with `p` the probability that y wins over an answer of `π_ref`, and `η = 1/β`.",
    "So `log(π/π_ref) = η(p − 1/2)`, with `e^(η/2)` for the normalizing constant; that is fitted by least squares.",
    "With hard labels `p` is 1 for `y_w` and 0 for `y_l`: the targets are `1/(2β)` and `−1/(2β)`, each answer for itself.",
  ],
  source: "SPPO, eq. 4.7, https://arxiv.org/abs/2405.00675",
  options: {
    beta: {
      ...beta,
      default: 1e-3,
      help: "1/η: the targets of the log-ratios are ±1/(2β)",
    },
  },
  presets: { trl: { names: ["sppo_hard"], options: { beta: 0.1 } } },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta }) => {
    const target = div(0.5, beta);
    const above = sub(logRatio(chosen), target);
    const below = add(logRatio(rejected), target);
    return { loss: add(mul(above, above), mul(below, below)) };
  },
});
