import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import { allComparisons } from "lib/loss_tools/optimum.ts";
import { gradientFlow } from "lib/loss_tools/flow.ts";
import { type LossOptionValues, resolveOptions } from "lib/losses/options.ts";
import { peakMemory } from "lib/record/environment.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { type ExactOptimum, exactOptimum } from "../reviews/law.ts";
import { formOf } from "./forms.ts";
import { pairwiseOptimum } from "./pairwise_optimum.ts";
import type { TaughtSettings } from "./settings.ts";

export const { url } = import.meta;

type Jobs = ExperimentJobs<null, null>;

/**
 * A run is the gradient flow of a form over three answers, of which two are
 * compared; the exact numbers are the optima in the world of reviews.
 */
export function createJobs(
  { settings }: JobSetup<TaughtSettings>,
): Promise<JobTable<Jobs>> {
  const nothing = () => Promise.resolve(null);
  const jobs: JobTable<Jobs>["jobs"] = {
    ...{ start: nothing, reference: nothing, prepare: nothing },
    exact: () => optimaOf(settings),
    run: async ({ point: { loss: name, options, level } }) => {
      const loss = formOf(name);
      const start = settings.starts[level["start"] ?? 0]!;
      const path = await gradientFlow(loss, {
        ...{ start, time: settings.time, comparisons: comparisonsOf(loss) },
        lossOptions: resolveOptions(loss, options),
      });
      // A flow that stands still ends early.
      const whole = [...path, { ...path.at(-1)!, time: settings.time }];
      const rows = whole.map(
        ({ time, probabilities: [chosen, rejected] }, step) => ({
          ...{ step, time, chosen: chosen!, rejected: rejected! },
          logOdds: Math.log(chosen! / rejected!),
        }),
      );
      const { step: _, ...summary } = rows.at(-1)!;
      return { rows, summary, peakMemoryBytes: peakMemory() };
    },
  };
  /** Two answers, drawn equally often, of which the first wins more often. */
  const comparisonsOf = (loss: ReturnType<typeof formOf>) => {
    const answers = [{ probability: 0.5 }, { probability: 0.5 }];
    const win = settings.preference;
    const preference = (i: number, j: number) =>
      i === j ? 0.5 : i < j ? win : 1 - win;
    return allComparisons(loss, { answers, preference })
      .filter(({ answers: [i, j] }) => i !== j);
  };
  return Promise.resolve({ jobs, release: () => Promise.resolve() });
}

/** Optima that a formula gives, of losses that log π/π_ref does not suffice for. */
const CLOSED: ReadonlyMap<string, (values: LossOptionValues) => ExactOptimum> =
  new Map([["kto-pairwise", pairwiseOptimum]]);

async function optimaOf({ methods }: TaughtSettings): Promise<Outcome> {
  const optima = [];
  for (const { loss: name, options } of methods) {
    const loss = formOf(name);
    const values = resolveOptions(loss, options);
    const found = CLOSED.get(name)?.(values) ??
      await exactOptimum(loss, values);
    optima.push({ loss: name, ...found });
  }
  return { rows: [], summary: { optima }, peakMemoryBytes: peakMemory() };
}
