import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import { lossOptionsAt } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import { gradientFlow } from "lib/loss_tools/flow.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { SimplexSettings } from "./settings.ts";

export const { url } = import.meta;

/** A run is the gradient flow of a loss over the three answers. */
export function createJobs(
  { settings: { start, alikeFeatures, time } }: JobSetup<SimplexSettings>,
): Promise<JobTable<ExperimentJobs<null, null>>> {
  const nothing = () => Promise.resolve(null);
  const jobs: JobTable<ExperimentJobs<null, null>>["jobs"] = {
    ...{ start: nothing, exact: nothing, reference: nothing, prepare: nothing },
    run: async ({ point }) => {
      const path = await gradientFlow(findLoss(point.loss), {
        ...{ start, time, lossOptions: lossOptionsAt(point) },
        ...point.level["alike"] === 1 && { features: alikeFeatures },
      });
      const rows = path.map(({ time, probabilities }, step) => {
        const [chosen, rejected, other] = probabilities;
        return {
          step,
          time,
          chosen: chosen!,
          rejected: rejected!,
          other: other!,
        };
      });
      const { step: _, ...summary } = rows.at(-1)!;
      return { rows, summary };
    },
  };
  return Promise.resolve({ jobs, release: () => Promise.resolve() });
}
