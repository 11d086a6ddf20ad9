import type { JobSetup } from "lib/experiment/definition.ts";
import { lossOptionsAt, type Method } from "lib/experiment/grid.ts";
import { optimum } from "lib/loss_tools/optimum.ts";
import { findLoss } from "lib/losses/registry.ts";
import { expectation, klDivergence } from "lib/stats/distribution.ts";
import { answerJobs, type Treatment } from "../answers/jobs.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { attainableReward, grammarPolicy, measure } from "../answers/world.ts";

export const { url } = import.meta;

/** Reward that a policy lacks for being the best at its distance. */
const TREATMENT: Treatment = {
  measure: (logProbs, data) => {
    const { reward, kl } = measure(logProbs, data);
    return { shortfall: attainableReward(data.reference, kl) - reward };
  },
};

/** Runs of short answers; the optimum of each method is exact. */
export function createJobs(setup: JobSetup<AnswersSettings>) {
  const { jobs, release } = answerJobs(setup, TREATMENT);
  const exact = async () => {
    const optima = [];
    for (const { loss, options, learningRate } of setup.settings.methods) {
      const found = await optimumOf({ loss, options, learningRate });
      optima.push({ loss, options, ...found });
    }
    return { rows: [], summary: { optima } };
  };
  return Promise.resolve({ jobs: { ...jobs, exact }, release });
}

/** The policy that a loss itself would choose, with the grammar as π_ref. */
export async function optimumOf(method: Method) {
  const { population, logProbs, rewards } = grammarPolicy();
  const found = await optimum(
    findLoss(method.loss),
    population,
    lossOptionsAt(method),
  );
  if (found.kind === "none") return { kind: found.kind, why: found.why };
  return {
    kind: found.kind,
    reward: expectation(found.logProbs, rewards),
    kl: klDivergence(found.logProbs, logProbs),
  };
}
