import { mean } from "lib/train/metrics.ts";
import { goldReward, isWellFormed, type Review } from "./world.ts";

/** A completion sampled from the policy at temperature 1, without top-p. */
export interface Sample extends Review {
  /** KL(π‖π_ref) of the next-token distributions before each of its tokens, in nats. */
  readonly tokenKl: ArrayLike<number>;
}

/** What samples say of a policy; means over samples. */
export interface Measures {
  readonly goldReward: number;
  /** KL(π‖π_ref) of whole completions, in nats. */
  readonly kl: number;
  /** Tokens, the end of sequence among them. */
  readonly length: number;
  /** Distinct pairs of neighbouring tokens among all; see {@linkcode distinctN}. */
  readonly distinct2: number;
  /** Share that no reviewer would write, or that does not end. */
  readonly broken: number;
}

/**
 * Measures a policy on its samples. Take equally many of each prompt: the
 * attainable frontier weighs prompts equally.
 *
 * The KL sums, along each sample, the exact KL of every next-token
 * distribution: unbiased as the mean of log π/π_ref is, never negative, and of
 * smaller variance (https://arxiv.org/abs/2504.10637).
 */
export function measure(samples: readonly Sample[]): Measures {
  const completions = samples.map(({ completion }) => completion);
  return {
    goldReward: mean(completions.map(goldReward)),
    kl: mean(samples.map(({ tokenKl }) => sum(tokenKl))),
    length: mean(completions.map(({ length }) => length)),
    distinct2: distinctN(completions, 2),
    broken: mean(samples.map((sample) => isWellFormed(sample) ? 0 : 1)),
  };
}

/**
 * Distinct n-grams over all n-grams, after Li et al.
 * (https://arxiv.org/abs/1510.03055); 0 where no completion is n long. It falls
 * as completions are added: compare equal numbers of them only.
 */
export function distinctN(
  completions: readonly (readonly number[])[],
  n: number,
): number {
  const ngrams = completions.flatMap((ids) =>
    ids.slice(n - 1).map((_, start) => ids.slice(start, start + n).join())
  );
  return new Set(ngrams).size / Math.max(1, ngrams.length);
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0);
}
