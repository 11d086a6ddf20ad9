import type { JobSetup } from "lib/experiment/definition.ts";
import { answerJobs } from "../answers/jobs.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { TREATMENT } from "./levels.ts";

export const { url } = import.meta;

/** Runs around fixed points, each a draw of the reference model with a seed. */
export function createJobs(setup: JobSetup<AnswersSettings>) {
  const table = answerJobs(setup, TREATMENT);
  return Promise.resolve({
    ...table,
    // Without a record of one model: runs of a draw start from several.
    jobs: { ...table.jobs, reference: () => Promise.resolve(null) },
  });
}
