import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import { expectation } from "lib/stats/distribution.ts";
import { answerJobs, type RunData } from "../answers/jobs.ts";
import type { Start } from "../answers/decoder.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { populationOf, samplePairs } from "../answers/world.ts";
import { PRAISED, proxyRewards } from "./labels.ts";

export const { url } = import.meta;

/** Pairs of π_ref's answers, labelled by the proxy of a level. */
export function createJobs(
  setup: JobSetup<AnswersSettings>,
): Promise<JobTable<ExperimentJobs<Start, RunData>>> {
  const jobs = answerJobs(setup, {
    rows: (
      { point: { level }, reference, settings: { pairs: count }, rng },
    ) => ({
      pairs: samplePairs(reference, {
        ...{ count, rng, rewards: proxyRewards(level) },
      }),
    }),
    population: (reference, level) =>
      populationOf(reference, proxyRewards(level)),
    measure: (logProbs, _data, { level }) => ({
      proxy: expectation(logProbs, proxyRewards(level)),
      praised: expectation(logProbs, PRAISED),
    }),
  });
  return Promise.resolve(jobs);
}
