import {
  accepts,
  type Grammar,
  sampleWords,
  terminals,
  type Uniform,
} from "./grammar.ts";
import { FACTORS, reviewsByPrompt, SCORES } from "./review_grammar.ts";

/** What opens every prompt. */
export const BOS = "<s>";
/** What ends every completion. */
export const EOS = "</s>";

/** A product in some condition, and the reviews that answer it. */
export interface Prompt {
  readonly ids: readonly number[];
  readonly reviews: Grammar;
}

export interface Review {
  readonly prompt: Prompt;
  /** Ids up to and with the end of sequence. */
  readonly completion: readonly number[];
}

const REVIEWS = reviewsByPrompt();

/** Every token: a word each, its id its place. */
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
      `Cannot encode "${text}": expected words of the vocabulary, "${word}" is none`,
    );
  });
}

export function decode(ids: readonly number[]): string {
  return words(ids).join(" ");
}

/** Every prompt there is; reviews ask for all of them equally often. */
export const PROMPTS: readonly Prompt[] = [...REVIEWS].map(
  ([prompt, reviews]) => ({ ids: encode(`${BOS} ${prompt}`), reviews }),
);

/** A prompt and its review, as the grammar writes them. */
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
    (FACTORS.get(text[i - 1] ?? "") ?? 1) * (SCORES.get(word) ?? 0)
  );
  return 4 * Math.tanh(scores.reduce((a, b) => a + b, 0) / 4);
}

/** Whether a completion ends, and is a review of what the prompt names. */
export function isWellFormed({ prompt, completion }: Review): boolean {
  const text = words(completion);
  return text.pop() === EOS && accepts(prompt.reviews, text);
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
