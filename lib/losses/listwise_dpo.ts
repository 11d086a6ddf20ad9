import type { Value } from "../onnx/graph/graph.ts";
import { add, cast, detach, greater, mul, sub } from "../ops/elementwise.ts";
import { softplus } from "../ops/special.ts";
import { logSoftmax, softmax } from "../ops/norm.ts";
import { sum, unsqueeze } from "../ops/shaping.ts";
import { rankLoss } from "./loss.ts";
import { logRatio } from "./sequences.ts";
import { beta } from "./options.ts";

/** Takes a completion out of a sum of exponentials: no reward comes near. */
const HIDDEN = -1e9;

/**
 * DPO of ranked lists under the Plackett–Luce model, eq. 20 of
 * https://arxiv.org/abs/2305.18290 (appendix A.3). Of two completions it is
 * DPO.
 */
export const listwiseDpo = rankLoss({
  id: "listwise-dpo",
  title: "Listwise DPO (Plackett–Luce)",
  mark: { color: "blue", dash: "dash", symbol: "star" },
  formula: "−sum_k log(e^(βΔ_k)/(sum_(j>=k) e^(βΔ_j))), " +
    'Δ = log π(y|x) − log π_ref(y|x), "best first"',
  derivation: [
    "Plackett–Luce: a ranking comes about by choosing the best, then the best of the rest, and so on, each with probability `e^(r_k)/(sum_(j>=k) e^(r_j))`. Of two this is Bradley–Terry.",
    "DPO's reward `r = β log(π/π_ref) + β log Z(x)` has the same `Z(x)` for all completions of a prompt, which cancels in each fraction.",
  ],
  source: "DPO, eq. 20, https://arxiv.org/abs/2305.18290",
  options: { beta },
  rewardScale: ({ beta }) => beta,
  terms: ({ ranked, rankMask, ranks }, { beta }) => {
    const rewards = mul(beta, logRatio(ranked));
    // [n, K, K]: r_j − r_k in row k, where j is a worse completion than k.
    const excess = sub(unsqueeze(rewards, [1]), unsqueeze(rewards, [2]));
    const isLater = greater(unsqueeze(ranks, [0]), unsqueeze(ranks, [1]));
    const isWorse = mul(cast(isLater, ranks.dtype), unsqueeze(rankMask, [1]));
    const worse = add(excess, mul(HIDDEN, sub(1, isWorse)));
    // −log(1/(1 + Σ e^(r_j − r_k))), which keeps its digits near 0.
    return { loss: sum(softplus(logSumExp(worse)), [1]) };
  },
});

/**
 * log Σ eˣ over the last axis, as the mean of x − log p under p = softmax(x):
 * it is the same for every x, so that p takes no part in its gradient.
 */
function logSumExp(x: Value): Value {
  const p = detach(softmax(x));
  return sum(mul(p, sub(x, logSoftmax(x))), [x.shape.length - 1]);
}
