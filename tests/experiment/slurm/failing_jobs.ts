import type { JobSetup } from "lib/experiment/definition.ts";
import {
  createJobs as createToyJobs,
  type ToySettings,
} from "../toy_experiment.ts";

export const { url } = import.meta;

/** The jobs of the toy, without exact numbers; runs of one loss fail. */
export async function createJobs(
  setup: JobSetup<ToySettings>,
): ReturnType<typeof createToyJobs> {
  const { jobs, release } = await createToyJobs(setup);
  return {
    jobs: {
      ...jobs,
      exact: () => Promise.resolve(null),
      run: (input) =>
        input.point.loss === "sft"
          ? Promise.reject(new Error("no luck"))
          : jobs.run(input),
    },
    release,
  };
}
