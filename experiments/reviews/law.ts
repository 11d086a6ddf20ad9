import type { Loss } from "lib/losses/loss.ts";
import type { LossOptionValues } from "lib/losses/options.ts";
import { readsRatiosAlone } from "lib/loss_tools/expected_loss.ts";
import { optimum, type Population } from "lib/loss_tools/optimum.ts";
import {
  expectation,
  klDivergence,
  logSoftmax,
} from "lib/stats/distribution.ts";
import { mean } from "lib/train/metrics.ts";
import type { Grammar } from "./grammar.ts";
import {
  factorAfter,
  type LabelNoise,
  preferenceProbability,
  type Prompt,
  PROMPTS,
  rewardOf,
  wordScore,
} from "./world.ts";

/** All reviews of one score and one length, and their probability in sum. */
export interface ReviewClass {
  readonly score: number;
  /** Tokens, with the end of sequence. */
  readonly length: number;
  readonly probability: number;
}

interface State extends ReviewClass {
  /** The factor of the next word's score. */
  readonly factor: number;
}

/**
 * The exact law of score and length of a prompt's reviews under the grammar.
 * Words only add to both, so that reviews which agree so far, and in the factor
 * that their last word gives to the next one, go on as one.
 */
export function reviewLaw({ reviews }: Pick<Prompt, "reviews">): ReviewClass[] {
  const start = [{ score: 0, length: 1, probability: 1, factor: 1 }];
  const ends = walk(reviews, start, STEPS)
    .map((end) => ({ ...end, factor: 1 }));
  return merged(ends).map(({ score, length, probability }) => ({
    score,
    length,
    probability,
  })).toSorted((a, b) => a.score - b.score || a.length - b.length);
}

/** How states of reviews that are under way go on. */
export interface Walk<S> {
  /** The state after a word. */
  after(state: S, word: string): S;
  /** The state of those that took a choice of some weight, out of a total. */
  chosen(state: S, weight: number, total: number): S;
  /** The states, those that go on alike as one. */
  merged(states: readonly S[]): S[];
}

/** Takes states of reviews over a grammar. */
export function walk<S>(
  grammar: Grammar,
  states: readonly S[],
  steps: Walk<S>,
): S[] {
  const { after, chosen, merged } = steps;
  if (typeof grammar === "string") {
    return grammar.split(" ").reduce<S[]>(
      (all, word) => merged(all.map((state) => after(state, word))),
      [...states],
    );
  }
  if (!("choices" in grammar)) {
    return grammar.reduce<S[]>((all, part) => walk(part, all, steps), [
      ...states,
    ]);
  }
  const total = grammar.choices.reduce((sum, [weight]) => sum + weight, 0);
  return merged(
    grammar.choices.flatMap(([weight, part]) =>
      walk(part, states.map((state) => chosen(state, weight, total)), steps)
    ),
  );
}

const STEPS: Walk<State> = {
  after: ({ score, length, probability, factor }, word) => ({
    score: score + factor * wordScore(word),
    length: length + 1,
    probability,
    factor: factorAfter(word),
  }),
  chosen: (state, weight, total) => ({
    ...state,
    probability: state.probability * weight / total,
  }),
  merged,
};

function merged(states: readonly State[]): State[] {
  const groups = Map.groupBy(
    states,
    ({ score, length, factor }) => `${score} ${length} ${factor}`,
  );
  return [...groups.values()].map((group) => ({
    ...group[0]!,
    probability: group.reduce((sum, { probability }) => sum + probability, 0),
  }));
}

/** The law of the gold reward of a prompt's reviews, from the least reward up. */
export interface RewardLaw {
  readonly rewards: readonly number[];
  readonly logProbs: readonly number[];
}

/** The exact law of the gold reward under the grammar. */
export function rewardLaw(prompt: Pick<Prompt, "reviews">): RewardLaw {
  const scores = Map.groupBy(reviewLaw(prompt), ({ score }) => score);
  const classes = [...scores].toSorted(([a], [b]) => a - b);
  return {
    rewards: classes.map(([score]) => rewardOf(score)),
    logProbs: classes.map(([, group]) =>
      Math.log(group.reduce((sum, { probability }) => sum + probability, 0))
    ),
  };
}

/** The law of each prompt's rewards; it takes a while, once. */
export function rewardLaws(): readonly RewardLaw[] {
  return known ??= PROMPTS.map(rewardLaw);
}
let known: readonly RewardLaw[] | undefined;

/** A policy's reward and its distance from the grammar, as means over prompts. */
export interface ExactPoint {
  readonly reward: number;
  /** KL(π‖π_ref), in nats. */
  readonly kl: number;
}

function pointOf(
  laws: readonly RewardLaw[],
  policy: (law: RewardLaw) => readonly number[],
): ExactPoint {
  const points = laws.map((law) => {
    const logProbs = policy(law);
    return {
      reward: expectation(logProbs, law.rewards),
      kl: klDivergence(logProbs, law.logProbs),
    };
  });
  return {
    reward: mean(points.map(({ reward }) => reward)),
    kl: mean(points.map(({ kl }) => kl)),
  };
}

/** π_ref exp(r/β), normalised: the attainable frontier at β, exactly. */
export function attainableAt(
  beta: number,
  laws = rewardLaws(),
): ExactPoint {
  return pointOf(
    laws,
    ({ rewards, logProbs }) =>
      logSoftmax(logProbs.map((x, i) => x + rewards[i]! / beta)),
  );
}

/**
 * The largest reward that any policy has at a distance from the grammar.
 *
 * @throws RangeError for a distance at which no policy is.
 */
export function attainableWithin(
  kl: number,
  laws = rewardLaws(),
): number {
  let [low, high] = [Math.log(1e-3), Math.log(1e6)];
  if (!(kl >= 0 && kl <= attainableAt(Math.exp(low), laws).kl)) {
    throw new RangeError(
      `Cannot go ${kl} nats from the grammar: expected a number from 0 to ${
        attainableAt(Math.exp(low), laws).kl
      }`,
    );
  }
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (attainableAt(Math.exp(middle), laws).kl > kl) low = middle;
    else high = middle;
  }
  return attainableAt(Math.exp(high), laws).reward;
}

/** The policy that draws n reviews and gives the best one. */
export function bestOf(
  n: number,
  laws = rewardLaws(),
): ExactPoint {
  return pointOf(laws, ({ logProbs }) => {
    let below = 0;
    return logProbs.map((x) => {
      const before = below;
      below += Math.exp(x);
      return Math.log(Math.min(1, below) ** n - before ** n);
    });
  });
}

/**
 * The largest share of pairs of the grammar's reviews that any ranking can
 * have right, where it gets half of those that it has to guess.
 */
export function accuracyCeiling(
  noise: LabelNoise = {},
  laws = rewardLaws(),
): number {
  return mean(laws.map(({ rewards, logProbs }) =>
    expectation(
      logProbs,
      rewards.map((first) =>
        expectation(
          logProbs,
          rewards.map((second) =>
            preferenceProbability(Math.abs(first - second), noise)
          ),
        )
      ),
    )
  ));
}

/** Reviews of a law's rewards, compared as pairs are labelled. */
export function populationOf(
  { rewards, logProbs }: RewardLaw,
  noise: LabelNoise = {},
): Population {
  return {
    answers: logProbs.map((x) => ({ probability: Math.exp(x) })),
    preference: (i, j) =>
      preferenceProbability(rewards[i]! - rewards[j]!, noise),
  };
}

/** Where a loss wants to go from the grammar, or why there is no such place. */
export type ExactOptimum =
  | ExactPoint & { readonly kind: "attained" | "limit" }
  | { readonly kind: "none"; readonly why: string };

/**
 * The population optimum of a loss with the grammar as π_ref, as means over
 * prompts. Reviews of one reward are one answer, which is exact for losses that
 * read log π/π_ref alone.
 */
export async function exactOptimum(
  loss: Loss,
  lossOptions: LossOptionValues = {},
  noise: LabelNoise = {},
): Promise<ExactOptimum> {
  if (!await readsRatiosAlone(loss, lossOptions)) {
    return {
      kind: "none",
      why: "the loss tells reviews of one reward apart: it is not computed",
    };
  }
  // Prompts whose conditions are the same have the same law.
  const groups = Map.groupBy(
    rewardLaws(),
    ({ logProbs }) => logProbs.map((x) => x.toFixed(9)).join(),
  );
  const policies = new Map<RewardLaw, readonly number[]>();
  let kind: "attained" | "limit" = "attained";
  for (const group of groups.values()) {
    const found = await optimum(
      loss,
      populationOf(group[0]!, noise),
      lossOptions,
    );
    if (found.kind === "none") return found;
    if (found.kind === "limit") kind = "limit";
    for (const law of group) policies.set(law, found.logProbs);
  }
  return { kind, ...pointOf(rewardLaws(), (law) => policies.get(law)!) };
}
