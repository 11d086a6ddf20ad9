import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Start } from "../answers/decoder.ts";
import { answerJobs, type RunData } from "../answers/jobs.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { probe } from "./probe.ts";

export const { url } = import.meta;

/** Runs on π_ref's own pairs, with probes beside them. */
export function createJobs(
  setup: JobSetup<AnswersSettings>,
): Promise<JobTable<ExperimentJobs<Start, RunData>>> {
  const { jobs, release } = answerJobs(setup, { measure: probe });
  return Promise.resolve({
    release,
    jobs: {
      ...jobs,
      run: ({ point, ...rest }) => {
        // A level may give one rate to all methods.
        const { learningRate = point.learningRate } = point.level;
        return jobs.run({ point: { ...point, learningRate }, ...rest });
      },
    },
  });
}
