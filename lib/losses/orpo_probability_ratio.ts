import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { nllOptions, withNll } from "./nll.ts";
import { negLogSigmoid, perToken } from "./sequences.ts";

/**
 * ORPO with the ratio of probabilities in place of the ratio of odds: the
 * ablation of https://arxiv.org/abs/2403.07691, section 7.1. Its contrast goes
 * on pushing y_l down where that of the odds has let go.
 */
export const orpoProbabilityRatio = pairLoss({
  id: "orpo-probability-ratio",
  title: "ORPO by probability ratio",
  mark: { color: "green", dash: "dot", symbol: "diamond" },
  formula: 'NLL(y_w) − λ log σ(a_w − a_l), a = "mean token" log π(y|x)',
  derivation: [
    "ORPO adds to `NLL(y_w)` the log of how much likelier y_w is than y_l, through `−log σ`. Likelier is a matter of odds there, `P/(1 − P)`, and of probabilities here, `P = e^a`.",
    "For two independent uniform P, the log of the probability ratio is spread less than that of the odds ratio. The same `−log σ` then asks for more extreme P: y_l is driven down faster, at the cost of y_w.",
  ],
  source: "ORPO, section 7.1, https://arxiv.org/abs/2403.07691",
  options: {
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 0.1,
      min: 0,
      help: "weight of the probability-ratio term",
      aka: ["beta"],
    },
    ...nllOptions({ weight: 1, reduction: "example" }),
  },
  terms: (batch, { lambda, ...options }) => {
    const { chosen, rejected } = batch;
    const ratio = sub(perToken(chosen), perToken(rejected));
    return withNll(mul(lambda, negLogSigmoid(ratio)), batch, options);
  },
});
