import type { Example } from "lib/data/example.ts";
import type { JobSetup } from "lib/experiment/definition.ts";
import type { Level } from "lib/experiment/grid.ts";
import { answerJobs, type Rows, type Treatment } from "../answers/jobs.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { ANSWERS, drawNumber, PROMPT } from "../answers/world.ts";
import type { Uniform } from "../reviews/grammar.ts";

export const { url } = import.meta;

/** Ranked lists of π_ref's answers, and the pairs that are made of them. */
export const TREATMENT: Treatment = {
  rows: ({ point: { level }, reference, settings: { pairs }, rng }) => {
    const { list = 2, extremes, cost } = level;
    const count = extremes && cost ? pairs : 2 * pairs / list;
    return rowsOf(sampleLists(reference, { count, size: list, rng }), level);
  },
  settingsAt,
};

export function createJobs(setup: JobSetup<AnswersSettings>) {
  return Promise.resolve(answerJobs(setup, TREATMENT));
}

/**
 * Lists of a policy's answers, ranked by the gold reward as Plackett and Luce
 * have it: best first, and of two as Bradley and Terry have it.
 */
export function sampleLists(
  logProbs: readonly number[],
  { count, size, rng }: { count: number; size: number; rng: Uniform },
): Example[] {
  return Array.from({ length: count }, () => {
    const drawn = Array.from({ length: size }, () => {
      const { ids, reward } = ANSWERS[drawNumber(logProbs, rng)]!;
      // The order by reward + Gumbel noise is that of choices one by one.
      const noise = -Math.log(-Math.log(1 - rng.uniform()));
      return { ids, at: reward + noise };
    });
    const ranked = drawn.toSorted((a, b) => b.at - a.at);
    return { prompt: PROMPT, completions: ranked.map(({ ids }) => ids) };
  });
}

function rowsOf(ranked: readonly Example[], { extremes }: Level): Rows {
  return {
    ...{ ranked, source: "lists of the reference model" },
    pairs: ranked.flatMap(extremes ? extremePair : allPairs),
  };
}

/** Every two of a list, the better one first. */
export function allPairs({ prompt, completions }: Example): Example[] {
  return completions.flatMap((better, i) =>
    completions.slice(i + 1).map((worse) => ({
      prompt,
      completions: [better, worse],
    }))
  );
}

function extremePair({ prompt, completions }: Example): Example[] {
  return [{ prompt, completions: [completions[0]!, completions.at(-1)!] }];
}

/**
 * A step takes as many answers as one of pairs does, in whole lists; at equal
 * cost it takes as many pairs.
 */
export function settingsAt(
  settings: AnswersSettings,
  { list = 2, all, cost }: Level,
): AnswersSettings {
  const { training } = settings;
  const lists = 2 * training.batch / list;
  const batch = cost
    ? training.batch
    : all
    ? lists * list * (list - 1) / 2
    : lists;
  return { ...settings, training: { ...training, batch } };
}
