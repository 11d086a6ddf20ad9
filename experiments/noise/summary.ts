import { nameOf } from "lib/experiment/figure_parts.ts";
import {
  type ExperimentRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import {
  optimumOf,
  type PlanePoint,
  storedExact,
} from "../reviews/exact_numbers.ts";
import type { ReviewsSettings } from "../reviews/settings.ts";

/** A method at one share of flipped labels. */
export interface NoiseSetting extends SettingSummary {
  readonly flip: number;
  /** Where the loss itself wants to go on such labels. */
  readonly optimum: PlanePoint | null;
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
        return { ...summarizeSetting(each), flip, optimum };
      });
      return { name, loss: method.loss, byFlip };
    }),
  };
}
