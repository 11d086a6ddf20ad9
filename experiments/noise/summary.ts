import { nameOf } from "lib/experiment/figure_parts.ts";
import type { PlanePoint } from "lib/experiment/run_plane.ts";
import {
  type ExperimentRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import {
  attainableReward,
  type ExactNumbers,
  optimumOf,
  storedExact,
} from "../reviews/exact_numbers.ts";
import type { ReviewsSettings } from "../reviews/settings.ts";

/** A method at one share of flipped labels. */
export interface NoiseSetting extends SettingSummary {
  readonly flip: number;
  /** Where the loss itself wants to go on such labels. */
  readonly optimum: PlanePoint | null;
  /**
   * Reward of each run at the end of training as a share of that which is
   * attainable at its own KL; `null` where it has no reward.
   */
  readonly shares: readonly (number | null)[];
}

/** A method at every share of flipped labels, in rising order. */
export interface NoiseMethod {
  readonly name: string;
  readonly loss: string;
  readonly byFlip: readonly NoiseSetting[];
}

export interface Summary {
  readonly draws: readonly number[];
  readonly seeds: readonly number[];
  readonly methods: readonly NoiseMethod[];
}

/** @throws Error where the record of exact numbers is missing. */
export function summarize(
  { settings, exact, bySetting }: ExperimentRuns<ReviewsSettings>,
): Summary {
  const numbers = storedExact(exact);
  const { draws, seeds, methods } = settings;
  return {
    draws,
    seeds,
    methods: methods.map((method) => {
      const name = nameOf(method);
      const own = bySetting.filter((each) => nameOf(each.method) === name);
      const byFlip = own.map((each) => {
        const { flip = 0 } = each.level;
        const optimum = optimumOf(numbers, method, flip);
        const setting = summarizeSetting(each);
        const shares = sharesOf(setting, numbers);
        return { ...setting, flip, optimum, shares };
      });
      return { name, loss: method.loss, byFlip };
    }),
  };
}

/** Rewards of runs as shares of those attainable at the runs' own KL. */
export function sharesOf(
  { ends }: Pick<SettingSummary, "ends">,
  exact: Pick<ExactNumbers, "attainable">,
): (number | null)[] {
  return ends["goldReward"]!.map((reward, i) => {
    // The curve ends at its largest reward: that is attainable at any distance.
    const kl = ends["kl"]![i] ?? Infinity;
    return reward === null ? null : reward / attainableReward(exact, kl);
  });
}
