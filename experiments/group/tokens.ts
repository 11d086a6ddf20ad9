import { treeBatch } from "lib/data/tree_batch.ts";

/** Tokens of a prompt and of each answer. */
export interface Lengths {
  readonly prompt: number;
  readonly answer: number;
}

/** Tokens that a step computes for a list of answers to one prompt. */
export interface Tokens {
  /** The prompt once, with each answer once. */
  readonly shared: number;
  /** Each answer once, behind a prompt of its own. */
  readonly apart: number;
  /** A row for each pair of the list, which shares its prompt. */
  readonly pairs: number;
  /** A row for each answer of each pair. */
  readonly pairsApart: number;
}

/** Counts the tokens of batches, as they are laid out for the model. */
export function tokensOf(list: number, { prompt, answer }: Lengths): Tokens {
  const ids = (length: number) => new Array<number>(length).fill(0);
  const row = (answers: number) => ({
    prompt: ids(prompt),
    completions: Array.from({ length: answers }, () => ids(answer)),
  });
  const count = (rows: number, answers: number) =>
    treeBatch(Array.from({ length: rows }, () => row(answers))).ids.length;
  const pairs = list * (list - 1) / 2;
  return {
    shared: count(1, list),
    apart: count(list, 1),
    pairs: count(pairs, 2),
    pairsApart: count(2 * pairs, 1),
  };
}
