import type { Value } from "../onnx/graph/graph.ts";
import { add, detach, exp, mul, sub } from "../ops/elementwise.ts";
import { logistic } from "../ops/special.ts";
import type { PairBatch } from "./batches.ts";
import type { LossTerms } from "./loss.ts";
import type { LossOptionTerms } from "./options.ts";
import { perToken } from "./sequences.ts";

/** The options of a loss whose rejected term is gated; p_0 is the paper's τ. */
export const gateOptions = {
  gateSlope: {
    kind: "number",
    symbol: "α",
    default: 50,
    above: 0,
    help: "how sharply the gate shuts around its threshold",
  },
  gateThreshold: {
    kind: "number",
    symbol: "p_0",
    default: 0.1,
    min: 0,
    max: 1,
    help:
      "probability of a rejected token, on average, at which it is half shut",
  },
} as const;

/** The gate in words, and the reason for it. */
export const GATE = {
  formula: "with the gradient at y_l times σ(α(p − p_0)), " +
    'p = "geometric mean of" π(y_t) "in" y_l',
  derivation: [
    "Where `y_l` is unlikely already, lowering it further hardly takes probability from `y_l`: through the softmax it mostly moves from all unlikely tokens to the likeliest one, which the loss does not see.",
    "The gate `g = σ(α(p − p_0))` is 1 where the tokens of `y_l` are likely and 0 in that valley. It is a constant to the gradient, which is g times what it would be at `y_l`, and unchanged at `y_w`. The value of the loss is unchanged.",
  ],
  source: "Gate-DPO, https://arxiv.org/abs/2605.02626, with the gate as in " +
    'https://github.com/imouiche/gradient-gate-dpo-vs-the-field ("seq")',
} as const;

/**
 * A loss of pairs whose gradient at the rejected completion is multiplied by
 * g = σ(α(p − p_0)), where p is the geometric mean of π(y_t) over its tokens, 1
 * of an empty one. No gradient flows through g.
 */
export function gatedTerms(
  batch: PairBatch,
  { gateSlope, gateThreshold }: LossOptionTerms<typeof gateOptions>,
  terms: (batch: PairBatch) => LossTerms,
): LossTerms {
  const { rejected } = batch;
  const p = exp(perToken(rejected));
  const gate = detach(logistic(mul(gateSlope, sub(p, gateThreshold))));
  const through = (x: Value): Value => {
    const value = detach(x);
    return add(value, mul(gate, sub(x, value)));
  };
  const { loss, metrics } = terms({
    ...batch,
    rejected: {
      get logProb() {
        return through(rejected.logProb);
      },
      get refLogProb() {
        return rejected.refLogProb;
      },
      get length() {
        return rejected.length;
      },
      get rating() {
        return rejected.rating;
      },
      sum: (perToken) => through(rejected.sum(perToken)),
    },
  });
  return { loss, metrics: { ...metrics, gate } };
}
