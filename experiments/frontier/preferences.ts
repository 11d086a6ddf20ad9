import type { Example } from "lib/data/example.ts";
import type { Uniform } from "./grammar.ts";
import { goldReward, type Prompt } from "./world.ts";

/** Two completions of one prompt, not yet compared. */
export interface Pair {
  readonly prompt: Prompt;
  readonly completions: readonly [readonly number[], readonly number[]];
}

/** How noisy the comparisons are. */
export interface LabelNoise {
  /**
   * Temperature T of Bradley–Terry, in units of reward; above 0. Small T
   * always prefers the greater reward.
   *
   * @default 1
   */
  temperature?: number;
  /**
   * Probability, below ½, that a label is turned around whatever the rewards.
   *
   * @default 0
   */
  flip?: number;
}

/**
 * Probability that the first of two completions is preferred,
 *
 *     (1 − 2ε) σ((r₁ − r₂) / T) + ε,
 *
 * Bradley and Terry (https://doi.org/10.2307/2334029) with flipped labels. On
 * such labels with ε = 0, DPO's optimum is π_ref exp(r / (β T)), normalised:
 * with T = 1 its β is that of the attainable frontier.
 *
 * @param margin r₁ − r₂.
 */
export function preferenceProbability(
  margin: number,
  { temperature = 1, flip = 0 }: LabelNoise = {},
): number {
  if (!(temperature > 0)) {
    throw new RangeError(
      `Cannot compare at temperature ${temperature}: expected a number above 0`,
    );
  }
  if (!(flip >= 0 && flip < 0.5)) {
    throw new RangeError(
      `Cannot flip a share ${flip} of the labels: expected a number in [0, 0.5)`,
    );
  }
  return (1 - 2 * flip) / (1 + Math.exp(-margin / temperature)) + flip;
}

/** Compares the two by their gold reward: chosen first, then rejected. */
export function labelPair(
  { prompt, completions: [first, second] }: Pair,
  rng: Uniform,
  noise: LabelNoise = {},
): Example {
  const margin = goldReward(first) - goldReward(second);
  const isFirst = rng.uniform() < preferenceProbability(margin, noise);
  return {
    prompt: prompt.ids,
    completions: isFirst ? [first, second] : [second, first],
  };
}
