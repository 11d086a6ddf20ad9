import { join } from "node:path";
import { runDirectly } from "experiments/run_directly.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { createJobs as createToyJobs, TOY } from "./toy_experiment.ts";

const { url } = import.meta;

/** Folder in which every process with jobs leaves a file named by its id. */
export const PROCESSES = "SLOW_EXPERIMENT_PROCESSES";

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The toy experiment as a program, at a pace at which it can be interrupted. */
const slow = experiment({
  ...TOY,
  name: "slow",
  jobs: { url, createJobs },
});

export async function createJobs(
  setup: Parameters<typeof createToyJobs>[0],
): ReturnType<typeof createToyJobs> {
  const processes = Deno.env.get(PROCESSES);
  if (processes) {
    await Deno.writeTextFile(join(processes, `${Deno.pid}`), "");
  }
  const { jobs, release } = await createToyJobs(setup);
  return {
    jobs: {
      ...jobs,
      start: async (draw) => {
        await pause(100);
        return await jobs.start(draw);
      },
      run: async (input) => {
        await pause(100);
        return await jobs.run(input);
      },
    },
    release,
  };
}

if (import.meta.main) await runDirectly(slow);
