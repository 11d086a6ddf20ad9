import type { Prompt } from "lib/data/tokenize/prompts.ts";

/** An answer to a prompt. */
export interface JudgedAnswer {
  /** Text, or a conversation whose next turn the answer is. */
  readonly prompt: Prompt["content"];
  readonly answer: string;
}

/** Scores of answers, in their order. */
export interface Scores {
  /** Finite numbers; higher is better. */
  readonly scores: readonly number[];
  /** Answers whose prompt was too long for the judge, and lost its start. */
  readonly cut: number;
}

/** Scores answers, those of one evaluation at a time. */
export interface Judge {
  /** The judge as its user named it. */
  readonly place: string;
  /** SHA-256 of its files; `null` where it names none. */
  readonly hash: string | null;
  /** @throws Error that says what came back in place of scores. */
  score(answers: readonly JudgedAnswer[]): Promise<Scores>;
  /** Frees what it holds. */
  release(): Promise<void>;
}

/** The error of an input that is another than at the beginning. */
export function changed(place: string | null | undefined): Error {
  return new Error(
    `Cannot use ${place}: its contents are no longer those that the comparison began with`,
  );
}

/**
 * Each answer against the reference's answer to the same prompt: 1 where its
 * score is higher, ½ where it is equal, 0 where it is lower. Their mean is the
 * win rate.
 */
export function wins(
  scores: readonly number[],
  reference: readonly number[],
): number[] {
  return scores.map((score, i) => (1 + Math.sign(score - reference[i]!)) / 2);
}
