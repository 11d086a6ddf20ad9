import type { Example } from "lib/data/example.ts";
import {
  accepts,
  type Grammar,
  sampleWords,
  terminals,
  type Uniform,
} from "./grammar.ts";
import { FACTORS, reviewsByPrompt, SCORES } from "./review_grammar.ts";

/** The first word of every prompt. */
export const BOS = "<s>";
/** The last word of every completion. */
export const EOS = "</s>";

/** A request for a review of a product, and the reviews that answer it. */
export interface Prompt {
  readonly ids: readonly number[];
  readonly reviews: Grammar;
}

export interface Review {
  readonly prompt: Prompt;
  /** Ids, including the end of sequence. */
  readonly completion: readonly number[];
}

const REVIEWS = reviewsByPrompt();

/** Every token is a word; its index is its id. */
export const VOCABULARY: readonly string[] = [
  ...new Set([
    BOS,
    EOS,
    ...[...REVIEWS].flatMap(([prompt, reviews]) => [
      ...prompt.split(" "),
      ...terminals(reviews),
    ]),
  ]),
];

const IDS: ReadonlyMap<string, number> = new Map(
  VOCABULARY.map((word, id) => [word, id]),
);

/** Ids of words separated by spaces. */
export function encode(text: string): number[] {
  return text.split(" ").map((word) => {
    const id = IDS.get(word);
    if (id !== undefined) return id;
    throw new RangeError(
      `Cannot encode "${text}": "${word}" is not in the vocabulary`,
    );
  });
}

export function decode(ids: readonly number[]): string {
  return words(ids).join(" ");
}

/** Every prompt. All of them are equally frequent. */
export const PROMPTS: readonly Prompt[] = [...REVIEWS].map(
  ([prompt, reviews]) => ({ ids: encode(`${BOS} ${prompt}`), reviews }),
);

/** Draws a prompt and a review of it from the grammar. */
export function sampleReview(rng: Uniform): Review {
  const prompt = PROMPTS[Math.floor(rng.uniform() * PROMPTS.length)]!;
  const review = sampleWords(prompt.reviews, rng).join(" ");
  return { prompt, completion: encode(`${review} ${EOS}`) };
}

/**
 * The reward that preferences are drawn from:
 *
 *     r = 4 tanh(s / 4),  s = Σ factor(word before) · score(adjective)
 *
 * with a factor of 1.5 after "very" and "really", 0.5 after "rather", −0.5 after
 * "not", and 1 otherwise.
 * Any order of words has a reward: like every reward in use, it can be raised
 * by text that no reviewer would write. It is bounded by ±4 without a corner,
 * so that a better review always has a strictly greater reward.
 */
export function goldReward(completion: readonly number[]): number {
  const text = words(completion);
  const scores = text.map((word, i) =>
    factorAfter(text[i - 1] ?? "") * wordScore(word)
  );
  return rewardOf(scores.reduce((a, b) => a + b, 0));
}

/** The score of a word alone. */
export const wordScore = (word: string): number => SCORES.get(word) ?? 0;

/** The factor that a word gives to the score of the next one. */
export const factorAfter = (word: string): number => FACTORS.get(word) ?? 1;

/** 4 tanh(s / 4), the gold reward of a completion of score s. */
export function rewardOf(score: number): number {
  return 4 * Math.tanh(score / 4);
}

/** Whether a completion ends, and is a review of the product in its prompt. */
export function isWellFormed({ prompt, completion }: Review): boolean {
  const text = words(completion);
  return text.pop() === EOS && accepts(prompt.reviews, text);
}

/** Two completions of one prompt, before they are compared. */
export interface Pair {
  readonly prompt: Prompt;
  readonly completions: readonly [readonly number[], readonly number[]];
}

/** Noise of the comparisons. */
export interface LabelNoise {
  /**
   * Temperature T of Bradley–Terry, in units of reward; above 0. Small T
   * always prefers the greater reward.
   *
   * @default 1
   */
  temperature?: number;
  /**
   * Probability, below ½, that a label is swapped, whatever the rewards.
   *
   * @default 0
   */
  flip?: number;
}

/**
 * Probability that the first of two completions is preferred,
 *
 *     (1 − 2ε) σ((r₁ − r₂) / T) + ε,
 *
 * Bradley and Terry (https://doi.org/10.2307/2334029) with flipped labels. On
 * such labels with ε = 0, DPO's optimum is π_ref exp(r / (β T)), normalised:
 * with T = 1 its β is that of the attainable frontier.
 *
 * @param margin r₁ − r₂.
 */
export function preferenceProbability(
  margin: number,
  { temperature = 1, flip = 0 }: LabelNoise = {},
): number {
  if (!(temperature > 0)) {
    throw new RangeError(
      `Cannot compare at temperature ${temperature}: expected a number above 0`,
    );
  }
  if (!(flip >= 0 && flip < 0.5)) {
    throw new RangeError(
      `Cannot flip a share ${flip} of the labels: expected a number in [0, 0.5)`,
    );
  }
  return (1 - 2 * flip) / (1 + Math.exp(-margin / temperature)) + flip;
}

/** Compares two completions by gold reward: chosen first, then rejected. */
export function labelPair(
  { prompt, completions: [first, second] }: Pair,
  rng: Uniform,
  noise: LabelNoise = {},
): Example {
  const margin = goldReward(first) - goldReward(second);
  const isFirst = rng.uniform() < preferenceProbability(margin, noise);
  return {
    prompt: prompt.ids,
    completions: isFirst ? [first, second] : [second, first],
  };
}

function words(ids: readonly number[]): string[] {
  return ids.map((id) => {
    const word = VOCABULARY[id];
    if (word !== undefined) return word;
    throw new RangeError(
      `Cannot decode token ${id}: expected an id below ${VOCABULARY.length}`,
    );
  });
}
