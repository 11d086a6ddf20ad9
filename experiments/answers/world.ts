import type { Example } from "lib/data/example.ts";
import type { Population } from "lib/loss_tools/optimum.ts";
import {
  entropy,
  expectation,
  klDivergence,
  logSoftmax,
} from "lib/stats/distribution.ts";
import { mean } from "lib/train/metrics.ts";
import {
  accepts,
  anyOf,
  choice,
  type Grammar,
  lawOf as grammarLaw,
  sampleWords,
  type Uniform,
} from "../reviews/grammar.ts";
import {
  attainableAt,
  attainableWithin,
  type RewardLaw,
} from "../reviews/law.ts";

/** Every token is a word; the first one ends an answer, and begins the prompt. */
export const VOCABULARY: readonly string[] = [
  ...["</s>", "good", "great", "bad", "awful", "very", "not"],
];
export const END = 0;
/** The only prompt. */
export const PROMPT: readonly number[] = [END];

/** Words of the longest answers, which need no end. */
const LONGEST = 3;
const SCORES: Readonly<Record<string, number>> = {
  ...{ good: 1, great: 2, bad: -1, awful: -2 },
};
const FACTORS: Readonly<Record<string, number>> = { very: 1.5, not: -0.5 };
/** Reward of a string that is no answer. */
const NONSENSE = -4;

const ADJECTIVES = Object.keys(SCORES);
const adjective = anyOf(ADJECTIVES);
const contrast = anyOf(
  ADJECTIVES.flatMap((word) =>
    ADJECTIVES.filter((other) => other !== word)
      .map((other) => `${word} not ${other}`)
  ),
);

/** An adjective, how far it holds, or one rather than another. */
const GRAMMAR: Grammar = choice(
  [4, adjective],
  [3, ["very", adjective]],
  [2, ["not", adjective]],
  [1, ["very very", adjective]],
  [1, ["not very", adjective]],
  [1, contrast],
);

/** A string that a policy can give. */
export interface Answer {
  /** Its tokens. */
  readonly ids: readonly number[];
  readonly reward: number;
  readonly isWellFormed: boolean;
}

/** Every string that a policy can give: its probabilities sum to 1. */
export const ANSWERS: readonly Answer[] = strings(VOCABULARY, LONGEST)
  .map((words) => ({
    ids: idsOf(words),
    reward: rewardOf(words),
    isWellFormed: accepts(GRAMMAR, words),
  }));

/** The gold reward of every answer. */
export const REWARDS: readonly number[] = ANSWERS.map(({ reward }) => reward);
const NUMBERS = new Map(ANSWERS.map(({ ids }, i) => [ids.join(), i]));

/**
 * All strings of at most so many words of a vocabulary, the empty one first. The
 * first word of a vocabulary is the end of a string.
 */
export function strings(
  vocabulary: readonly string[],
  longest: number,
): string[][] {
  const words = vocabulary.slice(END + 1);
  const all: string[][] = [[]];
  for (const text of all) {
    if (text.length === longest) break;
    all.push(...words.map((word) => [...text, word]));
  }
  return all;
}

function idsOf(words: readonly string[]): number[] {
  const ids = words.map((word) => VOCABULARY.indexOf(word));
  return words.length < LONGEST ? [...ids, END] : ids;
}

function wordsOf(ids: readonly number[]): string[] {
  return ids.filter((id) => id !== END).map((id) => VOCABULARY[id]!);
}

/**
 * The sum of the scores of adjectives, each times the factors of the words
 * before it; a string that is no answer is worse than most answers.
 */
function rewardOf(words: readonly string[]): number {
  if (!accepts(GRAMMAR, words)) return NONSENSE;
  let [reward, factor] = [0, 1];
  for (const word of words) {
    reward += factor * (SCORES[word] ?? 0);
    factor = word in SCORES ? 1 : factor * FACTORS[word]!;
  }
  return reward;
}

/** Draws an answer from the grammar, as a row of training data. */
export function sampleAnswer(rng: Uniform): Example {
  return { prompt: PROMPT, completions: [idsOf(sampleWords(GRAMMAR, rng))] };
}

/**
 * Probability that the first of two answers, by number, is preferred: that of
 * Bradley and Terry for rewards of all answers.
 */
function preferenceBy(rewards: readonly number[]): Population["preference"] {
  return (first, second) =>
    1 / (1 + Math.exp(rewards[second]! - rewards[first]!));
}

/**
 * Every answer, as a policy gives it, and how they compare.
 *
 * @param rewards of all answers, which labels follow. @default the gold reward
 * @param all the answers of a world. @default those of this one
 */
export function populationOf(
  logProbs: readonly number[],
  rewards: readonly number[] = REWARDS,
  all: readonly Pick<Answer, "ids">[] = ANSWERS,
): Population {
  return {
    answers: all.map(({ ids }, i) => ({
      probability: Math.exp(logProbs[i]!),
      length: ids.length,
    })),
    preference: preferenceBy(rewards),
  };
}

/** The answers of the grammar alone, with the probabilities that it gives them. */
export function grammarPolicy() {
  const law = grammarLaw(GRAMMAR);
  const own = ANSWERS.filter(({ isWellFormed }) => isWellFormed);
  const rewards = own.map(({ reward }) => reward);
  const logProbs = own.map(({ ids }) =>
    Math.log(law.get(wordsOf(ids).join(" "))!)
  );
  return {
    logProbs,
    rewards,
    population: populationOf(logProbs, rewards, own),
  };
}

/**
 * Pairs of a policy's answers: chosen first, then rejected.
 *
 * @param options `rewards` of all answers are those that labels follow, by
 * default the gold reward; `all` are the answers of a world, by default those
 * of this one.
 */
export function samplePairs(
  logProbs: readonly number[],
  { count, rng, rewards = REWARDS, all = ANSWERS }: {
    count: number;
    rng: Uniform;
    rewards?: readonly number[];
    all?: readonly Pick<Answer, "ids">[];
  },
): Example[] {
  const preference = preferenceBy(rewards);
  const draw = () => drawNumber(logProbs, rng);
  return Array.from({ length: count }, () => {
    const [first, second] = [draw(), draw()];
    const isFirst = rng.uniform() < preference(first, second);
    const order = isFirst ? [first, second] : [second, first];
    return {
      prompt: PROMPT,
      completions: order.map((i) => all[i]!.ids),
    };
  });
}

/** Draws an answer, by number. */
export function drawNumber(logProbs: readonly number[], rng: Uniform): number {
  let left = rng.uniform();
  const found = logProbs.findIndex((x) => (left -= Math.exp(x)) < 0);
  return found < 0 ? logProbs.length - 1 : found;
}

/** Parts of all answers. Each answer is in one. */
export const PLACES = ["chosen", "rejected", "unseen", "illFormed"] as const;

/**
 * A part of all answers: those of the data that were chosen more often than
 * rejected, its other ones, and those that it has not, well-formed or not.
 */
export type Place = typeof PLACES[number];

/** The number of an answer among all, by its tokens. */
export function numberOf(ids: readonly number[]): number {
  return NUMBERS.get(ids.join())!;
}

/** Where each answer stands beside some data. */
export function placesOf(pairs: readonly Example[]): Place[] {
  const lead = new Map<number, number>();
  for (const { completions: [chosen, rejected] } of pairs) {
    const [w, l] = [chosen, rejected].map((ids) => numberOf(ids!));
    lead.set(w!, (lead.get(w!) ?? 0) + 1);
    lead.set(l!, (lead.get(l!) ?? 0) - 1);
  }
  return ANSWERS.map(({ isWellFormed }, i) => {
    const won = lead.get(i);
    if (won === undefined) return isWellFormed ? "unseen" : "illFormed";
    return won > 0 ? "chosen" : "rejected";
  });
}

/** Exact measures of a policy. */
export type Measures = Record<Place, number> & {
  /** E[r]. */
  reward: number;
  /** KL(π‖π_ref), in nats. */
  kl: number;
  /** KL(π_ref‖π), in nats. */
  klBack: number;
  /** In nats. */
  entropy: number;
};

/** Measures a policy: no sampling, every answer counts. */
export function measure(
  logProbs: readonly number[],
  { reference, places }: {
    /** log π_ref of each answer. */
    reference: readonly number[];
    places: readonly Place[];
  },
): Measures {
  const shareOf = (place: Place) =>
    expectation(logProbs, places.map((each) => Number(each === place)));
  return {
    reward: expectation(logProbs, REWARDS),
    kl: klDivergence(logProbs, reference),
    klBack: klDivergence(reference, logProbs),
    entropy: entropy(logProbs),
    chosen: shareOf("chosen"),
    rejected: shareOf("rejected"),
    unseen: shareOf("unseen"),
    illFormed: shareOf("illFormed"),
  };
}

/**
 * The mean of log π(y) − log π_ref(y) over the chosen and over the rejected
 * answers of pairs, in nats.
 */
export function gainsOf(
  logProbs: readonly number[],
  { reference, pairs }: {
    /** log π_ref of each answer. */
    reference: readonly number[];
    pairs: readonly Example[];
  },
): { chosenGain: number; rejectedGain: number } {
  const gainOf = (side: number) =>
    mean(pairs.map(({ completions }) => {
      const i = numberOf(completions[side]!);
      return logProbs[i]! - reference[i]!;
    }));
  return { chosenGain: gainOf(0), rejectedGain: gainOf(1) };
}

/** Share of answers that the grammar could have given. */
export function wellFormedShare(logProbs: readonly number[]): number {
  const isWellFormed = ANSWERS.map((each) => Number(each.isWellFormed));
  return expectation(logProbs, isWellFormed);
}

/** The policy of the greatest E[r] − β KL: π_ref exp(r/β), normalised. */
export function bestPolicy(
  reference: readonly number[],
  beta: number,
): number[] {
  return logSoftmax(reference.map((x, i) => x + REWARDS[i]! / beta));
}

/** The attainable frontier: reward and distance of the best policy at each β. */
export function attainable(reference: readonly number[], beta: number) {
  return attainableAt(beta, [lawOf(reference)]);
}

/** The largest reward of any policy that is not farther from π_ref. */
export function attainableReward(
  reference: readonly number[],
  kl: number,
): number {
  const law = [lawOf(reference)];
  return attainableWithin(Math.min(kl, attainableAt(1e-3, law).kl), law);
}

function lawOf(logProbs: readonly number[]): RewardLaw {
  return { rewards: REWARDS, logProbs };
}
