import { type Example, lossLengths } from "../data/example.ts";
import type { Precision } from "../onnx/providers.ts";
import { labelledPairs } from "../data/labelled_pairs.ts";

/** Log-probabilities of one completion. */
export interface PolicyAndReference {
  /** log π_θ(y|x), in nats. */
  readonly logProb: number;
  /** log π_ref(y|x); absent where there is no reference. */
  readonly refLogProb?: number;
}

/** Nats by which rounding may move the log-probability of a token. */
const ROUNDING: Record<Precision, number> = {
  float32: 1e-4,
  ...{ tf32: 2e-2, float16: 2e-2, bfloat16: 0.1 },
};

/**
 * Nats by which rounding may move the log-probability of a completion of so many
 * scored tokens: no smaller difference is told.
 */
export const rounding = (
  tokens: number,
  precision: Precision = "float32",
): number => ROUNDING[precision] * (1 + tokens);

/** The parts of an example that metrics read. */
type Labelled = Partial<Pick<Example, "prompt" | "label" | "weight">>;

/** Values of completions, sorted by what the completions are. */
export interface ByPreference<T> {
  readonly chosen: readonly T[];
  readonly rejected: readonly T[];
  /** Values of the chosen and the rejected completion of one prompt. */
  readonly pairs: readonly (readonly [chosen: T, rejected: T])[];
  /** Weights of their examples; a pair has that of its chosen one. @default 1 each */
  readonly weights?: Record<"chosen" | "rejected" | "pairs", readonly number[]>;
  /** Whether all examples are pairs, or lists. */
  readonly paired: boolean;
}

/**
 * Sorts values of examples' completions: desirable ones are chosen, and of a
 * ranked list the best is chosen and the worst rejected. A desirable and an
 * undesirable completion of one prompt are a pair, too.
 */
export function byPreference<T>(
  examples: readonly Labelled[],
  values: readonly (readonly T[])[],
): ByPreference<T> & Required<Pick<ByPreference<T>, "weights">> {
  const paired = values.every(({ length }) => length > 1);
  const labelled = paired ? [] : labelledPairs(examples);
  const split = <U>(values: readonly (readonly U[])[]) => {
    const firsts = (keep: (label?: boolean) => boolean) =>
      values.flatMap(([first], i) => keep(examples[i]!.label) ? [first!] : []);
    const both = paired
      ? values.map((list) => [list[0]!, list.at(-1)!] as const)
      : labelled.map(([i, j]) => [values[i]![0]!, values[j]![0]!] as const);
    return {
      pairs: both,
      chosen: firsts((label) => label ?? true),
      rejected: paired
        ? values.map((list) => list.at(-1)!)
        : firsts((label) => label === false),
    };
  };
  const weights = values.map((list, i) =>
    list.map(() => examples[i]!.weight ?? 1)
  );
  const { pairs, ...each } = split(weights);
  return {
    ...{ paired, ...split(values) },
    weights: { ...each, pairs: pairs.map(([weight]) => weight) },
  };
}

/** Weighted means of values of chosen and rejected completions, by a name. */
export function groupMeans(
  name: string,
  examples: readonly Labelled[],
  values: readonly (readonly number[])[],
): Record<string, number> {
  if (values.length === 0) return {};
  const { chosen, rejected, weights } = byPreference(examples, values);
  return withoutNaN({
    [`${name}/chosen`]: mean(chosen, weights.chosen),
    [`${name}/rejected`]: mean(rejected, weights.rejected),
  });
}

/** Leaves out means over no values. */
export function withoutNaN(
  metrics: Record<string, number>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)),
  );
}

/** log π of each example's completions under a policy and its reference. */
export interface LogProbs {
  readonly logProbs: readonly (readonly number[])[];
  /** `null` where there is no reference. */
  readonly refLogProbs: readonly (readonly number[])[] | null;
}

/** PolicyAndReference completions of a batch, by what they are. */
export function logProbsByPreference(
  examples: readonly Labelled[],
  { logProbs, refLogProbs }: LogProbs,
): ByPreference<PolicyAndReference> {
  const scored = logProbs.map((list, i) =>
    list.map((logProb, k) =>
      refLogProbs ? { logProb, refLogProb: refLogProbs[i]![k]! } : { logProb }
    )
  );
  return byPreference(examples, scored);
}

/**
 * Weighted means over a batch: `logps/*` in nats, and, where there is a reference,
 * `rewards/*` = rewardScale · log π_θ/π_ref. Accuracy is the share of pairs whose
 * chosen completion has strictly more reward. A mean over no example is left out.
 */
export function batchMetrics(
  { chosen, rejected, pairs, paired, weights }: ByPreference<
    PolicyAndReference
  >,
  rewardScale = 1,
): Record<string, number> {
  const ofChosen = (list: readonly number[]) => mean(list, weights?.chosen);
  const ofRejected = (list: readonly number[]) => mean(list, weights?.rejected);
  const reward = ({ logProb, refLogProb }: PolicyAndReference) =>
    refLogProb === undefined ? NaN : rewardScale * (logProb - refLogProb);
  const good = chosen.map(reward);
  const bad = rejected.map(reward);
  const margins = pairs.map(([w, l]) => reward(w) - reward(l));
  const ofPairs = (list: readonly number[]) => mean(list, weights?.pairs);
  const margin = paired ? ofPairs(margins) : ofChosen(good) - ofRejected(bad);
  return withoutNaN({
    "logps/chosen": ofChosen(chosen.map(({ logProb }) => logProb)),
    "logps/rejected": ofRejected(rejected.map(({ logProb }) => logProb)),
    "rewards/chosen": ofChosen(good),
    "rewards/rejected": ofRejected(bad),
    "rewards/margins": margin,
    "rewards/accuracies": Number.isNaN(margin)
      ? NaN
      : ofPairs(margins.map((m) => Number(m > 0))),
  });
}

/**
 * Σ w·x / Σ w over the values with a weight; NaN where there is none.
 *
 * @param weights one for each value. @default 1 each
 */
export function mean(
  values: readonly number[],
  weights?: readonly number[],
): number {
  const weightOf = (i: number) => weights?.[i] ?? 1;
  // A value of no weight may be infinite: it does not count at all.
  return values.reduce(
    (sum, x, i) => weightOf(i) === 0 ? sum : sum + weightOf(i) * x,
    0,
  ) /
    values.reduce((sum, _, i) => sum + weightOf(i), 0);
}

/**
 * Metrics of a model on examples:
 *
 * - the means of `batchMetrics()`;
 * - `tokens/*`, and `perplexity/*` = exp(−Σ log π / Σ tokens), of chosen and of
 *   rejected completions;
 * - of pairs `logps/margins` and `logps/accuracies`: how log-probabilities
 *   alone tell them apart;
 * - those of the reference under `reference/…`.
 *
 * All except numbers of tokens are by weight; a mean over no example is left
 * out.
 */
export function modelMetrics(
  examples: readonly Example[],
  { rewardScale, ...scores }: LogProbs & { rewardScale: number },
): Record<string, number> {
  const { logProbs, refLogProbs } = scores;
  const lengths = byPreference(examples, examples.map(lossLengths));
  const reference = refLogProbs
    ? likelihoods(byPreference(examples, refLogProbs), lengths)
    : {};
  return withoutNaN({
    "tokens/chosen": sum(lengths.chosen) || NaN,
    "tokens/rejected": sum(lengths.rejected) || NaN,
    ...likelihoods(byPreference(examples, logProbs), lengths),
    ...batchMetrics(logProbsByPreference(examples, scores), rewardScale),
    ...Object.fromEntries(
      Object.entries(reference).map(([name, x]) => [`reference/${name}`, x]),
    ),
  });
}

/** Means of log-probabilities alone; NaN where there is no completion. */
function likelihoods(
  { chosen, rejected, pairs, weights }: ByPreference<number>,
  lengths: ByPreference<number>,
): Record<string, number> {
  const margins = pairs.map(([w, l]) => w - l);
  const of = (
    kind: "chosen" | "rejected" | "pairs",
    list: readonly number[],
  ) => mean(list, weights?.[kind]);
  const perplexity = (kind: "chosen" | "rejected", list: readonly number[]) =>
    Math.exp(-of(kind, list) / of(kind, lengths[kind]));
  return {
    "logps/chosen": of("chosen", chosen),
    "logps/rejected": of("rejected", rejected),
    "logps/margins": of("pairs", margins),
    "logps/accuracies": of("pairs", margins.map((m) => Number(m > 0))),
    "perplexity/chosen": perplexity("chosen", chosen),
    "perplexity/rejected": perplexity("rejected", rejected),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
