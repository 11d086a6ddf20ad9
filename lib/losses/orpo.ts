import type { Value } from "../onnx/graph/graph.ts";
import { add, min, mul, sub } from "../ops/elementwise.ts";
import { log1mExp } from "../ops/special.ts";
import type { Sequences } from "./batch.ts";
import { pairLoss } from "./loss.ts";
import { nll, nllOptions } from "./nll.ts";
import { negLogSigmoid, perToken } from "./sequences.ts";

/** The float32 next to 1 is 1 − 2⁻²⁴: only the log-probability 0 is nearer to 0. */
const NEAREST_TO_ZERO = -(2 ** -24);

/**
 * Odds Ratio Preference Optimization, eq. 6 and 7 of
 * https://arxiv.org/abs/2403.07691.
 *
 * log P(y|x) is the *mean* log-probability of y's tokens (eq. 1): with the
 * sum, P is so small that odds and P are the same. There is no reference model
 * and no KL constraint: what holds the policy is the likelihood term, and λ
 * weighs the contrast against it.
 */
export const orpo = pairLoss({
  id: "orpo",
  title: "Odds Ratio Preference Optimization",
  mark: { color: "green", dash: "solid", symbol: "triangle-up" },
  formula: "NLL(y_w) − λ log σ(o_w − o_l), o = a − log(1 − e^a), " +
    'a = "mean token" log π(y|x)',
  derivation: [
    "Fine-tuning on the chosen answer, `NLL(y_w)`, also raises the rejected one, which is of the same domain.",
    "A second term tells them apart by their odds `P/(1 − P)`: how many times likelier it is that the model writes y than that it does not.",
    "The log odds ratio `o_w − o_l` goes through `−log σ`, as rewards do in Bradley–Terry. With `a = log P` the log odds are `a − log(1 − e^a)`, computed without loss for a near 0.",
  ],
  source: "ORPO, eq. 6, https://arxiv.org/abs/2403.07691",
  options: {
    lambda: {
      kind: "number",
      symbol: "λ",
      default: 0.1,
      min: 0,
      help: "weight of the odds-ratio term",
      aka: ["beta"],
    },
    ...nllOptions({ weight: 1, reduction: "example" }),
  },
  presets: {
    trl: {
      names: ["orpo"],
      alone: true,
      options: { nllOver: "all", nllReduction: "token" },
      note: "tokens are averaged over the micro-batch",
    },
    "llama-factory": { names: ["orpo"], options: {} },
    "paper-repo": {
      names: ["orpo"],
      options: { lambda: 1, nllOver: "all", nllReduction: "token" },
      note: "its mask scores one position after the completion as well",
    },
  },
  terms: ({ chosen, rejected, ...batch }, { lambda, ...options }) => {
    const likelihood = nll({ completion: chosen, ...batch }, options);
    const oddsRatio = oddsRatioLoss(chosen, rejected);
    return {
      loss: add(
        mul(options.nllWeight, likelihood),
        mul(lambda, oddsRatio),
      ),
      metrics: { nll: likelihood, oddsRatio },
    };
  },
});

/** −log σ(log odds(y_w|x)/odds(y_l|x)), eq. 7. */
function oddsRatioLoss(chosen: Sequences, rejected: Sequences): Value {
  return negLogSigmoid(sub(logOdds(chosen), logOdds(rejected)));
}

function logOdds(sequences: Sequences): Value {
  const a = min(perToken(sequences), NEAREST_TO_ZERO);
  return sub(a, log1mExp(a));
}
