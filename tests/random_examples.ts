import type { Example } from "lib/data/example.ts";
import type { Row } from "lib/data/tree_batch.ts";
import type { Loss } from "lib/losses/loss.ts";
import type { Reference } from "lib/reference.ts";
import { Rng } from "lib/rng.ts";

const VOCABULARY = 11;

/**
 * Examples of uneven lengths, prompts and completions of one token among them:
 * pairs, or for a loss of labels single completions of both kinds.
 */
export function randomExamples(
  { data }: Pick<Loss, "data">,
  count: number,
): Example[] {
  const rng = new Rng("examples");
  const ids = () =>
    Array.from({ length: 1 + rng.integer(6) }, () => rng.integer(VOCABULARY));
  return Array.from(
    { length: count },
    (_, i) =>
      data === "labels"
        ? { prompt: ids(), completions: [ids()], label: i % 3 > 0 }
        : { prompt: ids(), completions: [ids(), ids()] },
  );
}

/**
 * A reference under which every row has log-probabilities of its own, lower
 * than a random model's, so that KTO's reference point is above 0.
 */
export const UNLIKELY: Reference = {
  logProbs: ({ prompt, completions }: Row) =>
    completions.map((completion) =>
      -5 * completion.length - Math.cos(prompt[0]! + completion[0]!)
    ),
};
