import type { LossOptionValues } from "lib/losses/options.ts";
import { expectation, logSoftmax } from "lib/stats/distribution.ts";
import { mean } from "lib/train/metrics.ts";
import type { Grammar } from "../reviews/grammar.ts";
import { type ExactOptimum, type Walk, walk } from "../reviews/law.ts";
import {
  factorAfter,
  type Prompt,
  PROMPTS,
  rewardOf,
  wordScore,
} from "../reviews/world.ts";

/** All reviews of one score that end in words of one factor. */
interface State {
  readonly score: number;
  /** The factor of the next word's score. */
  readonly factor: number;
  /** How many reviews these are. */
  readonly count: number;
  /** Σ log π_ref over them. */
  readonly logProbs: number;
}

/**
 * The population optimum of KTO as a pairwise score, of all policies over the
 * reviews of the grammar, as means over prompts. The loss is that of a
 * Bradley–Terry model of the labels whose rewards are β log π, so that
 *
 *     π(y) ∝ exp(r(y)/β)
 *
 * whatever π_ref is: reviews of one reward are equally likely, as many as they
 * are. The grammar is unambiguous, so that its derivations count reviews.
 */
export function pairwiseOptimum(
  { beta }: LossOptionValues,
  prompts: readonly Pick<Prompt, "reviews">[] = PROMPTS,
): ExactOptimum {
  const points = prompts.map(({ reviews }) => {
    const classes = countReviews(reviews);
    const rewards = classes.map(({ score }) => rewardOf(score));
    const logProbs = logSoftmax(
      classes.map(({ count }, i) =>
        Math.log(count) + rewards[i]! / Number(beta)
      ),
    );
    const logRatios = classes.map(({ count, logProbs: logRefs }, i) =>
      logProbs[i]! - Math.log(count) - logRefs / count
    );
    return {
      reward: expectation(logProbs, rewards),
      kl: expectation(logProbs, logRatios),
    };
  });
  return {
    kind: "attained",
    reward: mean(points.map(({ reward }) => reward)),
    kl: mean(points.map(({ kl }) => kl)),
  };
}

function countReviews(reviews: Grammar): State[] {
  const start = [{ score: 0, factor: 1, count: 1, logProbs: 0 }];
  const ends = walk(reviews, start, STEPS);
  return merged(ends.map((end) => ({ ...end, factor: 1 })));
}

const STEPS: Walk<State> = {
  after: ({ score, factor, ...rest }, word) => ({
    ...rest,
    score: score + factor * wordScore(word),
    factor: factorAfter(word),
  }),
  chosen: (state, weight, total) => ({
    ...state,
    logProbs: state.logProbs + state.count * Math.log(weight / total),
  }),
  merged,
};

function merged(states: readonly State[]): State[] {
  const groups = Map.groupBy(
    states,
    ({ score, factor }) => `${score} ${factor}`,
  );
  return [...groups.values()].map((group) => ({
    ...group[0]!,
    count: group.reduce((sum, { count }) => sum + count, 0),
    logProbs: group.reduce((sum, { logProbs }) => sum + logProbs, 0),
  }));
}
