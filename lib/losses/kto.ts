import { add, mul, neg, sub } from "../ops/elementwise.ts";
import { logistic } from "../ops/logistic.ts";
import { labelLoss } from "./loss.ts";
import { logRatio } from "./sequences.ts";

/**
 * Kahneman–Tversky Optimization, eq. 8 of https://arxiv.org/abs/2402.01306:
 *
 *     L = λ_D (1 − σ(β (r − z₀)))  for a desirable y
 *     L = λ_U (1 − σ(β (z₀ − r)))  for an undesirable one
 *
 * with r = log π_θ(y|x)/π_ref(y|x) and z₀ = KL(π_θ‖π_ref).
 *
 * What is maximised is the value of an outcome as prospect theory has it: a
 * sigmoid of the gain over a reference point z₀, saturating on both sides, so
 * that examples far on the wrong side are ignored rather than chased. The KL
 * constraint hides in z₀: raising log-ratios everywhere raises z₀ with them
 * and gains nothing.
 *
 * z₀ is estimated as max(0, mean of log π_θ(y'|x)/π_ref(y'|x)) over mismatched
 * pairs (section 4.1): each prompt of the optimizer batch with the completion
 * of another of its examples. No gradient flows through it.
 */
export const kto = labelLoss({
  id: "kto",
  title: "Kahneman–Tversky Optimization",
  formula: "λ σ(∓β(Δ − z₀)), − if desirable, + if not, " +
    "Δ = log π(y|x) − log π_ref(y|x), z₀ = max(0, mean Δ of mismatched pairs)",
  source: "KTO, eq. 8, https://arxiv.org/abs/2402.01306",
  data: "labels",
  options: {
    beta: {
      kind: "number",
      symbol: "β",
      default: 0.1,
      above: 0,
      help: "how fast the value saturates: larger is more averse to risk",
    },
    desirableWeight: {
      kind: "number",
      symbol: "λ_D",
      default: 1,
      min: 0,
      help: "weight of desirable completions",
    },
    undesirableWeight: {
      kind: "number",
      symbol: "λ_U",
      default: 1,
      min: 0,
      help: "weight of undesirable completions",
    },
    klPairing: {
      kind: "choice",
      choices: ["next", "previous"],
      default: "next",
      help: "which example of the batch lends its completion for z₀",
    },
  },
  usesReference: () => true,
  minimumBatch: 2,
  statistics: {
    formula: "z₀ = max(0, mean Δ(x_i, y_j) over the optimizer batch), " +
      "j the next or previous example",
    names: ["referencePoint"],
    rows: (examples, { klPairing }) => {
      if (examples.length < 2) {
        throw new RangeError(
          `Cannot estimate the reference point of KTO from a batch of ${examples.length}: expected at least 2 examples`,
        );
      }
      const step = klPairing === "next" ? 1 : -1;
      return examples.map(({ prompt }, i) => {
        const other = (i + step + examples.length) % examples.length;
        return { prompt, completions: examples[other]!.completions };
      });
    },
    reduce: (logRatios) => {
      const klRaw = logRatios.reduce((a, b) => a + b, 0) / logRatios.length;
      const kl = Math.max(0, klRaw);
      return { inputs: { referencePoint: kl }, metrics: { kl, klRaw } };
    },
  },
  terms: (
    { completion, desirable, statistics },
    { beta, desirableWeight, undesirableWeight },
  ) => {
    const gain = sub(logRatio(completion), statistics["referencePoint"]!);
    const sign = sub(mul(2, desirable), 1);
    const weight = add(
      undesirableWeight,
      mul(desirable, sub(desirableWeight, undesirableWeight)),
    );
    // 1 − σ(z) is σ(−z), which keeps its digits where it is small.
    return { loss: mul(weight, logistic(neg(mul(mul(sign, beta), gain)))) };
  },
});
