import { lossOptionsAt, type Method } from "lib/experiment/grid.ts";
import {
  type ExpectedLoss,
  expectedLoss,
} from "lib/loss_tools/expected_loss.ts";
import {
  allComparisons,
  optimum,
  type Population,
} from "lib/loss_tools/optimum.ts";
import { findLoss } from "lib/losses/registry.ts";
import { attainableReward } from "./world.ts";

/** The mean loss that a policy has on endless data of π_ref. */
export async function populationLoss(method: Method, population: Population) {
  const loss = findLoss(method.loss);
  const comparisons = allComparisons(loss, population);
  const total = comparisons.reduce((sum, { weight }) => sum + weight, 0);
  const expected: ExpectedLoss = await expectedLoss(loss, {
    ...{ answers: population.answers, comparisons },
    lossOptions: lossOptionsAt(method),
  });
  return {
    at: async (logProbs: readonly number[]) =>
      (await expected.at(logProbs)).value / total,
    [Symbol.asyncDispose]: () => expected[Symbol.asyncDispose](),
  };
}

interface Wanted {
  readonly answers: Population;
  /** log π_ref of every answer. */
  readonly reference: readonly number[];
  measured(logProbs: readonly number[]): Promise<Record<string, number>>;
}

/** The measures of the policy that a method's loss itself would choose. */
export async function optimumOf(
  method: Method,
  { answers, reference, measured }: Wanted,
) {
  const found = await optimum(
    findLoss(method.loss),
    answers,
    lossOptionsAt(method),
  );
  if (found.kind === "none") return { ...found };
  const measures = await measured(found.logProbs);
  return {
    ...{ kind: found.kind, ...measures },
    attainable: attainableReward(reference, measures["kl"]!),
  };
}
