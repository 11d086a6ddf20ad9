import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import { type Level, lossOptionsAt } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import { gradientFlow } from "lib/loss_tools/flow.ts";
import { findLoss } from "lib/losses/registry.ts";
import { peakMemory } from "lib/record/environment.ts";
import type { SimplexSettings } from "./settings.ts";

export const { url } = import.meta;

/** A run is the gradient flow of a loss over the three answers. */
export function createJobs(
  { settings }: JobSetup<SimplexSettings>,
): Promise<JobTable<ExperimentJobs<null, null>>> {
  const { start, time } = settings;
  const nothing = () => Promise.resolve(null);
  const jobs: JobTable<ExperimentJobs<null, null>>["jobs"] = {
    ...{ start: nothing, exact: nothing, reference: nothing, prepare: nothing },
    run: async ({ point }) => {
      const path = await gradientFlow(findLoss(point.loss), {
        ...{ start, time, lossOptions: lossOptionsAt(point) },
        features: featuresOf(settings, point.level),
      });
      const rows = path.map(({ time, probabilities }, step) => {
        const [chosen, rejected, third] = probabilities;
        return {
          step,
          time,
          chosen: chosen!,
          rejected: rejected!,
          third: third!,
        };
      });
      const { step: _, ...summary } = rows.at(-1)!;
      return { rows, summary, peakMemoryBytes: peakMemory() };
    },
  };
  return Promise.resolve({ jobs, release: () => Promise.resolve() });
}

/**
 * Features of the chosen answer, the rejected one and a third. The third lies
 * in the direction from the rejected to the chosen one, or at a right angle to
 * both.
 */
export function featuresOf(
  { pairs, third }: Pick<SimplexSettings, "pairs" | "third">,
  { alike, ahead }: Level,
): number[][] {
  const [chosen, rejected] = alike === 1 ? pairs.alike : pairs.unrelated;
  const way = chosen.map((x, k) => x - rejected[k]!);
  const scale = third / Math.hypot(...way);
  return [
    [...chosen, 0],
    [...rejected, 0],
    ahead === 1
      ? [...way.map((x) => scale * x), 0]
      : [...way.map(() => 0), third],
  ];
}
