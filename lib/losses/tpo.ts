import type { Value } from "../onnx/graph/graph.ts";
import { cast, greater, mul, sub } from "../ops/elementwise.ts";
import { sum, unsqueeze } from "../ops/shaping.ts";
import type { RankBatch } from "./batches.ts";
import { rankLoss } from "./loss.ts";
import { nllOptions, withNll } from "./nll.ts";
import { beta, labelSmoothing } from "./options.ts";
import { perToken, smoothed } from "./sequences.ts";

/**
 * Triple Preference Optimization, https://arxiv.org/abs/2405.16681: of three
 * completions, the gold one is imitated and the other two are contrasted.
 *
 * With means over tokens and γ = 0.5 it is the paper's TPO-L. The first and the
 * last two of longer lists stand for the three. Of a list of two the better one
 * is both gold and chosen, as in CPO.
 */
export const tpo = rankLoss({
  id: "tpo",
  title: "Triple Preference Optimization",
  mark: { color: "orange", dash: "dashdot", symbol: "square" },
  formula: "−(1−ε) log σ(z) − ε log σ(−z) + λ_NLL NLL(y_g), " +
    "z = β(log π(y_w|x) − log π(y_l|x)) − γ, " +
    '"gold" y_g "first in the list," y_w "and" y_l "last"',
  derivation: [
    "Of all π, `E[r] + β H(π)` is largest for `π ∝ exp(r/β)`, with the entropy H in place of a KL constraint: the reward is `r = β log π` up to a constant of the prompt, and no reference is needed.",
    "Bradley–Terry with this reward contrasts `y_w` and `y_l`.",
    "DPO needs a model that was fine-tuned before. Here the gold completion `y_g` has that part in the same step: `−log π(y_g|x)`. `y_w` is left to the contrast.",
  ],
  source: "TPO, section 3, https://arxiv.org/abs/2405.16681",
  options: {
    beta: {
      ...beta,
      default: 0.01,
      help: "scale of the log-probabilities' difference",
    },
    gamma: {
      kind: "number",
      symbol: "γ",
      default: 0,
      min: 0,
      help: "margin by which the chosen reward has to be larger",
      aka: ["tpo_l_gamma"],
    },
    reduction: {
      kind: "choice",
      choices: ["sum", "mean"],
      default: "sum",
      help: "log-probability of an answer: of all its tokens, or of one",
    },
    labelSmoothing,
    ...nllOptions({ weight: 1, reduction: "token" }),
  },
  presets: {
    trl: {
      names: ["tpo", "tpo-l"],
      alone: true,
      options: {},
      note:
        "tpo-l has --reduction mean --gamma 0.5; the NLL's tokens are averaged over the micro-batch",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: (batch, { beta, gamma, reduction, labelSmoothing, ...options }) => {
    const [gold, chosen, rejected] = triple(batch);
    const logProb = reduction === "mean"
      ? perToken
      : ({ logProb }: Triple[number]) => logProb;
    const margin = mul(beta, sub(logProb(chosen), logProb(rejected)));
    const contrast = smoothed(sub(margin, gamma), labelSmoothing);
    return withNll(contrast, { ...batch, chosen: gold }, options);
  },
});

type Completion = Readonly<Record<"logProb" | "length", Value>>;
type Triple = readonly [Completion, Completion, Completion];

/** The first, the last but one and the last completion of each list. */
function triple({ ranked, rankMask, ranks }: RankBatch): Triple {
  const before = (rank: Value | number) =>
    cast(greater(rank, unsqueeze(ranks, [0])), ranks.dtype);
  const at = (rank: Value | number, next: Value | number): Completion => {
    const isThere = sub(before(next), before(rank));
    return {
      logProb: sum(mul(isThere, ranked.logProb), [1]),
      length: sum(mul(isThere, ranked.length), [1]),
    };
  };
  const count = unsqueeze(sum(rankMask, [1]), [1]);
  const last = sub(count, 1);
  return [at(0, 1), at(sub(count, 2), last), at(last, count)];
}
