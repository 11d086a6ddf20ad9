import type { Level } from "lib/experiment/grid.ts";
import {
  expectation,
  klDivergence,
  logSoftmax,
} from "lib/stats/distribution.ts";
import { type Answer, END, populationOf, strings } from "../answers/world.ts";
import type { Uniform } from "../reviews/grammar.ts";

/** Every token is a word; the first one ends an answer, and begins the prompt. */
export const VOCABULARY: readonly string[] = ["</s>", "good", "bad", "so"];
/** Words of the longest answers, which need no end. */
const LONGEST = 4;

const VERDICTS: Readonly<Record<string, number>> = { good: 1, bad: -1 };
/** Gold reward of a string that is no answer. */
const NONSENSE = -2;

/**
 * Every string that a policy can give. An answer is a verdict, which has all of
 * the gold reward, and up to three times "so", which adds nothing.
 */
export const ANSWERS: readonly Answer[] = strings(VOCABULARY, LONGEST)
  .map((words) => {
    const [verdict = "", ...rest] = words;
    const isWellFormed = verdict in VERDICTS &&
      rest.every((word) => word === "so");
    return {
      ids: idsOf(words),
      reward: isWellFormed ? VERDICTS[verdict]! : NONSENSE,
      isWellFormed,
    };
  });

const GOLD = ANSWERS.map(({ reward }) => reward);
const TOKENS = ANSWERS.map(({ ids }) => ids.length);

function idsOf(words: readonly string[]): number[] {
  const ids = words.map((word) => VOCABULARY.indexOf(word));
  return words.length < LONGEST ? [...ids, END] : ids;
}

/** log π of each token of every answer: how its first tokens share theirs. */
export function tokenLogProbs(logProbs: readonly number[]): number[][] {
  const begun = new Map<string, number>();
  const keys = ANSWERS.map(({ ids }) =>
    [0, ...ids].map((_, k) => ids.slice(0, k).join())
  );
  for (const [i, starts] of keys.entries()) {
    for (const key of starts) {
      begun.set(key, (begun.get(key) ?? 0) + Math.exp(logProbs[i]!));
    }
  }
  return keys.map((starts) =>
    starts.slice(1).map((key, k) =>
      Math.log(begun.get(key)! / begun.get(starts[k]!)!)
    )
  );
}

/** Draws an answer of which each word is as likely the last as not. */
export function sampleAnswer(rng: Uniform): number[] {
  const words = [rng.uniform() < 0.5 ? "good" : "bad"];
  while (words.length < LONGEST && rng.uniform() < 0.5) words.push("so");
  return idsOf(words);
}

/** The reward that labels follow: the gold one, and more for each token. */
export function labelRewards({ perToken = 0 }: Level): number[] {
  return GOLD.map((gold, i) => gold + perToken * TOKENS[i]!);
}

/** The chosen answers of endless data of π_ref. */
export interface Chosen {
  /** log of the probability that each is a chosen one. */
  readonly logProbs: readonly number[];
  /** The mean of their tokens. */
  readonly tokens: number;
}

/** How often each answer is chosen where π_ref's are compared by labels. */
export function chosenOf(reference: readonly number[], level: Level): Chosen {
  const { preference } = populationOf(reference, labelRewards(level), ANSWERS);
  const logProbs = logSoftmax(reference.map((logProb, i) => {
    const wins = reference.map((_, j) => preference(i, j));
    return logProb + Math.log(expectation(reference, wins));
  }));
  return { logProbs, tokens: expectation(logProbs, TOKENS) };
}

/** Exact measures of a policy. */
export function measure(
  logProbs: readonly number[],
  { reference, chosen }: { reference: readonly number[]; chosen: Chosen },
) {
  const perToken = logProbs.map((logProb, i) => logProb / TOKENS[i]!);
  return {
    reward: expectation(logProbs, GOLD),
    kl: klDivergence(logProbs, reference),
    tokens: expectation(logProbs, TOKENS),
    illFormed: expectation(
      logProbs,
      ANSWERS.map(({ isWellFormed }) => isWellFormed ? 0 : 1),
    ),
    /** Of the mean token's log π with the tokens of chosen answers. */
    correlation: correlation(chosen.logProbs, perToken, TOKENS),
    chosenTokens: chosen.tokens,
  };
}

/** Pearson's correlation of two numbers of outcomes with these log-probabilities. */
export function correlation(
  logProbs: readonly number[],
  x: readonly number[],
  y: readonly number[],
): number {
  const [dx, dy] = [x, y].map((values) => {
    const middle = expectation(logProbs, values);
    return values.map((value) => value - middle);
  });
  const product = (a: readonly number[], b: readonly number[]) =>
    expectation(logProbs, a.map((value, i) => value * b[i]!));
  return product(dx!, dy!) / Math.sqrt(product(dx!, dx!) * product(dy!, dy!));
}
