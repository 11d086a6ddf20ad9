import type { Example } from "lib/data/example.ts";
import { examplesFor } from "lib/data/examples_for_loss.ts";
import type { JobSetup } from "lib/experiment/definition.ts";
import type { Level } from "lib/experiment/grid.ts";
import { expectation } from "lib/stats/distribution.ts";
import { answerJobs, type Rows, type Treatment } from "../answers/jobs.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { populationOf, samplePairs } from "../answers/world.ts";

export const { url } = import.meta;

/** Pairs of π_ref's answers, and single answers of which some are dropped. */
export const TREATMENT: Treatment = {
  rows: ({ point: { level }, reference, settings: { pairs: count }, rng }) =>
    withoutDropped(samplePairs(reference, { count, rng }), level),
  population: (reference, level) => ({
    ...populationOf(reference),
    kept: keptAt(level),
  }),
  measure: (logProbs, { reference }) => ({
    winRate: winRate(logProbs, reference),
  }),
};

export function createJobs(setup: JobSetup<AnswersSettings>) {
  return Promise.resolve(answerJobs(setup, TREATMENT));
}

/** The shares of both labels that a level keeps. */
function keptAt({ dropDesirable = 0, dropUndesirable = 0 }: Level) {
  return { desirable: 1 - dropDesirable, undesirable: 1 - dropUndesirable };
}

/**
 * Single answers without those that are dropped, and the pairs that are whole.
 * A larger share drops what a smaller one does, and more.
 */
export function withoutDropped(pairs: readonly Example[], level: Level): Rows {
  const { desirable, undesirable } = keptAt(level);
  const count = (share: number) => Math.round(share * pairs.length);
  const labelled = pairs.flatMap((pair, i) =>
    examplesFor({ kind: "pairs", examples: [pair] }, "labels")
      .filter(({ label }) => i < count(label ? desirable : undesirable))
  );
  const whole = pairs.slice(0, count(Math.min(desirable, undesirable)));
  return { pairs: whole, labelled };
}

/** The probability that a policy's answer is preferred to one of π_ref. */
export function winRate(
  logProbs: readonly number[],
  reference: readonly number[],
): number {
  const { preference } = populationOf(reference);
  const wins = logProbs.map((_, i) =>
    expectation(reference, reference.map((_, j) => preference(i, j)))
  );
  return expectation(logProbs, wins);
}
