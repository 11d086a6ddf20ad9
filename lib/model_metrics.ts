import type { Example } from "./data/example.ts";
import {
  batchMetrics,
  type ByPreference,
  byPreference,
  type LogProbs,
  mean,
  scoredBatch,
} from "./metrics.ts";

/**
 * What examples say of a model: the means of `batchMetrics()`; of each kind of
 * completions the tokens and the perplexity, exp(−Σ log π / Σ tokens); of
 * pairs also how log-probabilities alone tell them apart, `logps/margins` and
 * `logps/accuracies`. The reference has its own under `reference/…`. What has
 * no example is left out.
 */
export function modelMetrics(
  examples: readonly Example[],
  { beta, ...scores }: LogProbs & { beta: number },
): Record<string, number> {
  const { logProbs, refLogProbs } = scores;
  const lengths = byPreference(
    examples,
    examples.map(({ completions }) => completions.map(({ length }) => length)),
  );
  const reference = refLogProbs
    ? likelihoods(byPreference(examples, refLogProbs), lengths)
    : {};
  const metrics = {
    "tokens/chosen": sum(lengths.chosen) || NaN,
    "tokens/rejected": sum(lengths.rejected) || NaN,
    ...likelihoods(byPreference(examples, logProbs), lengths),
    ...batchMetrics(scoredBatch(examples, scores), beta),
    ...Object.fromEntries(
      Object.entries(reference).map(([name, x]) => [`reference/${name}`, x]),
    ),
  };
  return Object.fromEntries(
    Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)),
  );
}

/** NaN for what has no completion. */
function likelihoods(
  { chosen, rejected, paired }: ByPreference<number>,
  lengths: ByPreference<number>,
): Record<string, number> {
  const margins = paired ? chosen.map((x, i) => x - rejected[i]!) : [];
  return {
    "logps/chosen": mean(chosen),
    "logps/rejected": mean(rejected),
    "logps/margins": mean(margins),
    "logps/accuracies": mean(margins.map((margin) => Number(margin > 0))),
    "perplexity/chosen": Math.exp(-sum(chosen) / sum(lengths.chosen)),
    "perplexity/rejected": Math.exp(-sum(rejected) / sum(lengths.rejected)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
