import { add, log, mul, neg, sub } from "../ops/elementwise.ts";
import { logistic } from "../ops/special.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/** Efficient Exact Optimization, eq. 16 of https://arxiv.org/abs/2402.00856. */
export const exo = pairLoss({
  id: "exo",
  title: "Efficient Exact Optimization",
  mark: { color: "sky", dash: "solid", symbol: "triangle-down" },
  formula: "q (log q − log(1−ε)) + (1−q) (log(1−q) − log ε), " +
    "q = σ(β(Δ_w − Δ_l)), Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "Reinforcement learning with a KL constraint minimises `KL(π‖π^⋆)` to the optimal policy, which seeks a mode. DPO's likelihood loss minimises the reverse, which covers all of them.",
    "Between the two answers of a pair, π chooses `y_w` with probability `q = σ(β(Δ_w − Δ_l))`, and the label, smoothed, with `1−ε`.",
    "`KL((q, 1−q)‖(1−ε, ε))` is RL's direction. It is 0 at `β(Δ_w − Δ_l) = log((1−ε)/ε)`; DPO's would be infinitely far at ε = 0.",
  ],
  source: "EXO, eq. 16, https://arxiv.org/abs/2402.00856",
  options: {
    beta,
    labelSmoothing: {
      kind: "number",
      symbol: "ε",
      default: 1e-3,
      above: 0,
      below: 0.5,
      help: "probability that a label gives to the rejected completion",
    },
  },
  presets: {
    trl: {
      names: ["exo_pair"],
      options: {},
      note: "ε has no default there: 0 is refused",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, labelSmoothing }) => {
    const z = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    // log q is −(−log σ(z)), so that each logarithm keeps its digits.
    const right = add(negLogSigmoid(z), log(sub(1, labelSmoothing)));
    const wrong = add(negLogSigmoid(neg(z)), log(labelSmoothing));
    return {
      loss: neg(
        add(mul(logistic(z), right), mul(logistic(neg(z)), wrong)),
      ),
    };
  },
});
