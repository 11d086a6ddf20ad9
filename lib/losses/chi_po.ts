import type { Value } from "../onnx/graph/graph.ts";
import { add, exp, max, min, mul, neg, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * χ²-Preference Optimization, algorithm 1 of https://arxiv.org/abs/2407.13399:
 * DPO with the link `u + log u` instead of `log u`.
 */
export const chiPo = pairLoss({
  id: "chi-po",
  title: "χ²-Preference Optimization (χPO)",
  mark: { color: "blue", dash: "dash", symbol: "triangle-down" },
  formula: "−log σ(clip(β(φ(u_w) − φ(u_l)), −2R, 2R)), φ(u) = u + log u, " +
    "u = (π(y|x))/(π_ref(y|x))",
  derivation: [
    "Samples of `π_ref` say little about an answer that π gives u times as often. The error of π's expected reward, estimated from them, grows with the χ² divergence `E_ref[(u − 1)^2]/2`; the KL divergence may be small where that is large.",
    "The π with the largest `E[r] − β(χ² + KL)` has `r = β(u + log u)` + a constant of x. In Bradley–Terry's `r_w − r_l` the constant cancels.",
    "For u below 1 this is nearly DPO: `log u` keeps π from giving up what `π_ref` has. Above, reward buys probability in proportion only, and no longer exponentially.",
    "Rewards between 0 and R differ by at most R: beyond ±2R the difference is cut off, and the pair has no gradient.",
  ],
  source: "χPO, algorithm 1, https://arxiv.org/abs/2407.13399",
  options: {
    beta: {
      ...beta,
      help: "strength of the constraint: larger stays nearer to π_ref",
    },
    rewardBound: {
      kind: "number",
      symbol: "R",
      default: 10,
      above: 0,
      help: "bound of rewards: margins beyond ±2R have no gradient",
      aka: ["r_max"],
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, rewardBound }) => {
    const margin = mul(beta, sub(link(chosen), link(rejected)));
    const bound = mul(2, rewardBound);
    const clipped = max(min(margin, bound), neg(bound));
    return { loss: negLogSigmoid(clipped) };
  },
});

/** φ(u), from log u; u is held at e⁸⁰, as float32 ends at e⁸⁸. */
function link(completion: Parameters<typeof logRatio>[0]): Value {
  const logU = logRatio(completion);
  return add(exp(min(logU, 80)), logU);
}
