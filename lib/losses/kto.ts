import { mul, neg, sub } from "../ops/elementwise.ts";
import { logistic } from "../ops/special.ts";
import { labelLoss } from "./loss.ts";
import { logRatio, signOf, weightOf } from "./sequences.ts";
import { beta, desirableWeight, undesirableWeight } from "./options.ts";

/** The example that lends each example of a batch its completion; each lends once. */
const LENDERS = {
  next: ({ length }: Prompted) => shifted(length, 1),
  previous: ({ length }: Prompted) => shifted(length, length - 1),
  "other-prompt": lendersOfOtherPrompts,
};

type Prompted = readonly { readonly prompt: readonly number[] }[];

function shifted(length: number, by: number): number[] {
  return Array.from({ length }, (_, i) => (i + by) % length);
}

/**
 * Groups examples by prompt, and goes on from each by as many examples as the
 * commonest prompt has. No example then borrows from its own prompt, unless that
 * prompt is more than half of the batch; then as few as possible do. Where all
 * prompts differ, this is the next example.
 */
function lendersOfOtherPrompts(examples: Prompted): number[] {
  const groups = Map.groupBy(
    examples.keys(),
    (i) => examples[i]!.prompt.join(),
  );
  const order = [...groups.values()].flat();
  const most = Math.max(...[...groups.values()].map(({ length }) => length));
  const lenders = shifted(order.length, most % order.length || 1);
  const result: number[] = new Array(order.length);
  order.forEach((i, at) => result[i] = order[lenders[at]!]!);
  return result;
}

/**
 * Kahneman–Tversky Optimization, eq. 8 of https://arxiv.org/abs/2402.01306.
 *
 * The KL constraint hides in z₀: raising log-ratios everywhere raises z₀ with
 * them and gains nothing. z₀ is estimated from mismatched pairs (section 4.1):
 * each prompt of the optimizer batch with the completion of another of its
 * examples, the next one in the paper. Where completions of one prompt are
 * neighbours that is no mismatch; `other-prompt` looks further. No gradient
 * flows through it.
 */
export const kto = labelLoss({
  id: "kto",
  title: "Kahneman–Tversky Optimization",
  mark: { color: "vermilion", dash: "solid", symbol: "square" },
  formula: 'λ σ(−β(Δ − z_0)) "if desirable," λ σ(β(Δ − z_0)) "if not", ' +
    "Δ = log π(y|x) − log π_ref(y|x), z_0 = max(0, mean Δ of mismatched pairs)",
  derivation: [
    "KTO maximises the value of an outcome as prospect theory has it: a sigmoid of the gain `Δ − z_0` over a reference point, `λ_D σ(β(Δ − z_0))` for a desirable y and `λ_U σ(β(z_0 − Δ))` for an undesirable one.",
    "The loss is `λ − value`, and `1 − σ(z) = σ(−z)`.",
    "The sigmoid saturates on both sides, so that examples far on the wrong side are ignored rather than chased.",
    "The reference point is `z_0 = KL(π‖π_ref)`, estimated on completions of other prompts and never below 0.",
  ],
  source: "KTO, eq. 8, https://arxiv.org/abs/2402.01306",
  options: {
    beta: {
      ...beta,
      help: "how fast the value saturates: larger is more averse to risk",
    },
    desirableWeight,
    undesirableWeight,
    klPairing: {
      kind: "choice",
      choices: ["next", "previous", "other-prompt"],
      default: "next",
      help:
        "which example of the batch lends its completion for z₀: a neighbour, or one of another prompt",
    },
  },
  presets: {
    trl: {
      names: ["kto"],
      alone: true,
      options: { klPairing: "previous" },
      note:
        "pairs and averages within each micro-batch, in the order of the file",
    },
    "llama-factory": {
      names: ["kto"],
      options: {},
      note:
        "completions come from other batches there: it shifts before it shuffles",
    },
    "paper-repo": { names: ["kto"], options: {} },
  },
  minimumBatch: 2,
  statistics: {
    formula: "z₀ = max(0, mean Δ(x_i, y_j) over the optimizer batch), " +
      "j the next or previous example, or one of another prompt",
    outputs: { referencePoint: "number" },
    rows: (examples, { klPairing }) => {
      if (examples.length < 2) {
        throw new RangeError(
          `Cannot estimate the reference point of KTO from a batch of ${examples.length}: expected at least 2 examples`,
        );
      }
      const lenders = LENDERS[klPairing](examples);
      return examples.map(({ prompt }, i) => {
        const { completions, lossMask } = examples[lenders[i]!]!;
        return { prompt, completions, ...lossMask && { lossMask } };
      });
    },
    reduce: (rows) => {
      const total = rows.reduce(
        (sum, [row]) => sum + (row!.logProb - row!.refLogProb),
        0,
      );
      const klRaw = total / rows.length;
      const kl = Math.max(0, klRaw);
      return { values: { referencePoint: kl }, metrics: { kl, klRaw } };
    },
  },
  rewardScale: ({ beta }) => beta,
  labelWeights: ({ desirableWeight, undesirableWeight }) => ({
    desirable: desirableWeight,
    undesirable: undesirableWeight,
  }),
  terms: ({ completion, desirable, statistics }, { beta, ...weights }) => {
    const gain = sub(logRatio(completion), statistics["referencePoint"]!);
    // 1 − σ(z) is σ(−z), which keeps its digits where it is small.
    const regret = logistic(neg(mul(mul(signOf(desirable), beta), gain)));
    return { loss: mul(weightOf(desirable, weights), regret) };
  },
});
