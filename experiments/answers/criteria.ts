import type { Tuning } from "lib/experiment/definition.ts";
import type { AnswersSettings } from "./settings.ts";

/** Reward that a nat has to buy, as in frontier. */
export const PRICE = 0.5;

/** E[r] − c KL, c the price of a nat. */
export function netReward(
  { reward, kl }: { reward: number; kl: number },
): number {
  return reward - PRICE * kl;
}

/** How rates are chosen; settings, rates and file are the experiment's own. */
type Criterion = Pick<
  Tuning<AnswersSettings>,
  "measures" | "criterion" | "constants" | "regret"
>;

/** Chooses rates for reward, at one price of distance for all. */
export const BY_NET_REWARD: Criterion = {
  measures: ["reward", "kl"],
  criterion:
    "median of c KL − E[r] at the end of training, c the price of a nat",
  constants: { price: PRICE },
  regret: ({ reward, kl }) => -netReward({ reward: reward!, kl: kl! }),
};

/** Chooses rates by the loss itself, where nobody sees the gold reward. */
export const BY_POPULATION_LOSS: Criterion = {
  measures: ["populationLoss"],
  criterion: "median of the loss on endless pairs at the end of training",
  constants: {},
  regret: ({ populationLoss }) => populationLoss!,
};
