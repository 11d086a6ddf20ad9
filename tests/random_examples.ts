import type { Example, TokenRow } from "lib/data/example.ts";
import type { Loss } from "lib/losses/loss.ts";
import type { Reference } from "lib/train/reference.ts";
import { Rng } from "lib/rng.ts";

const VOCABULARY = 11;

/**
 * Examples of uneven lengths, prompts and completions of one token among them:
 * pairs, or what else a loss is about: single completions of both kinds, or
 * lists of two to four. Completions are rated, the first two of some equally.
 */
export function randomExamples(
  { data }: Pick<Loss, "data">,
  count: number,
): Example[] {
  const rng = new Rng("examples");
  const ids = () =>
    Array.from({ length: 1 + rng.integer(6) }, () => rng.integer(VOCABULARY));
  const completions: Record<Loss["data"], (i: number) => number> = {
    labels: () => 1,
    completions: () => 2,
    pairs: () => 2,
    ranks: (i) => 2 + i % 3,
  };
  return Array.from({ length: count }, (_, i) => ({
    prompt: ids(),
    completions: Array.from({ length: completions[data](i) }, ids),
    ...data === "labels" && { label: i % 3 > 0 },
    ratings: Array.from({ length: completions[data](i) }, (_, k) => 5 - k * i),
  }));
}

/**
 * A reference under which every row has log-probabilities of its own, lower
 * than a random model's, so that KTO's reference point is above 0.
 */
export const UNLIKELY: Reference = {
  logProbs: (row: TokenRow) =>
    UNLIKELY.tokenLogProbs(row).map((tokens) =>
      tokens.reduce((a, b) => a + b, 0)
    ),
  tokenLogProbs: ({ prompt, completions, lossMask }: TokenRow) =>
    completions.map((completion, k) =>
      completion.map((_, i) =>
        -5 - (i === 0 ? Math.cos(prompt[0]! + completion[0]!) : 0)
      ).filter((_, i) => lossMask?.[k]?.[i] ?? true)
    ),
};
