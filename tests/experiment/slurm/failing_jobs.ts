import type { JobSetup } from "lib/experiment/definition.ts";
import { toyJobsExcept, type ToySettings } from "../toy_experiment.ts";

export const { url } = import.meta;

/** The jobs of the toy, without exact numbers; runs of one loss fail. */
export const createJobs = (setup: JobSetup<ToySettings>) =>
  toyJobsExcept(setup, (jobs) => ({
    exact: () => Promise.resolve(null),
    run: (input) =>
      input.point.loss === "sft"
        ? Promise.reject(new Error("no luck"))
        : jobs.run(input),
  }));
