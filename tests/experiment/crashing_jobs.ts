import type { JobSetup } from "lib/experiment/definition.ts";
import { runName } from "lib/experiment/grid.ts";
import { toyJobsExcept, type ToySettings } from "./toy_experiment.ts";

export const { url } = import.meta;

/** Environment variable with the name of a run that ends its process. */
export const CRASHING = "CRASHING_RUN";

export const createJobs = (setup: JobSetup<ToySettings>) =>
  toyJobsExcept(setup, (jobs) => ({
    run: (input) =>
      runName(input.point) === Deno.env.get(CRASHING)
        ? Deno.exit(9)
        : jobs.run(input),
  }));
