import type { Example } from "lib/data/example.ts";
import type { JobSetup } from "lib/experiment/definition.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import { mean } from "lib/train/metrics.ts";
import { answerJobs, type Treatment } from "../answers/jobs.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import {
  type Answer,
  ANSWERS,
  END,
  gainsOf,
  numberOf,
  populationOf,
  samplePairs,
} from "../answers/world.ts";

export const { url } = import.meta;

/** A style that π_ref seldom has: answers of three words, all equally likely. */
export const WRITER: readonly number[] = logSoftmax(
  ANSWERS.map((answer) => isLong(answer) ? 0 : -Infinity),
);

function isLong({ ids, isWellFormed }: Answer): boolean {
  return isWellFormed && ids.at(-1) !== END;
}

/** Pairs of π_ref's own answers, or of a writer that π_ref is not. */
export const TREATMENT: Treatment = {
  rows: ({ point: { level }, reference, settings: { pairs: count }, rng }) =>
    level["offPolicy"]
      ? {
        pairs: samplePairs(WRITER, { count, rng }),
        source: "pairs of another writer",
      }
      : { pairs: samplePairs(reference, { count, rng }) },
  population: (reference, level) => ({
    ...populationOf(reference),
    ...level["offPolicy"] && { compared: WRITER.map(Math.exp) },
  }),
  measure: (logProbs, data) => ({
    ...gainsOf(logProbs, data),
    ...neverChosen(logProbs, data),
  }),
};

export function createJobs(setup: JobSetup<AnswersSettings>) {
  return Promise.resolve(answerJobs(setup, TREATMENT));
}

/**
 * The mean log-ratio of rejected answers that no pair has chosen; nothing where
 * each was chosen once.
 */
export function neverChosen(
  logProbs: readonly number[],
  { reference, pairs }: {
    reference: readonly number[];
    pairs: readonly Example[];
  },
): Record<string, number> {
  const [chosen, rejected] = [0, 1].map((side) =>
    pairs.map(({ completions }) => numberOf(completions[side]!))
  );
  const wins = new Set(chosen);
  const never = rejected!.filter((i) => !wins.has(i));
  if (never.length === 0) return {};
  const gains = never.map((i) => logProbs[i]! - reference[i]!);
  return { neverChosenGain: mean(gains) };
}
