import {
  type ExperimentRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import {
  type AttainablePoint,
  storedAttainable,
} from "../reviews/attainable.ts";
import type { ReviewsSettings } from "../reviews/settings.ts";

/** The numbers that the figure shows. */
export interface Summary {
  readonly draws: readonly number[];
  readonly seeds: readonly number[];
  /** The attainable frontier of each draw. */
  readonly attainable: readonly (readonly AttainablePoint[])[];
  readonly settings: readonly SettingSummary[];
}

/** @throws Error where the record of a π_ref is missing. */
export function summarize(
  { settings, references, bySetting }: ExperimentRuns<ReviewsSettings>,
): Summary {
  const { draws, seeds } = settings;
  return {
    draws,
    seeds,
    attainable: draws.map((draw) => {
      const reference = references.get(draw);
      if (reference) return storedAttainable(reference.record);
      throw new Error(
        `Cannot summarize: the record "reference-draw${draw}" is missing`,
      );
    }),
    settings: bySetting.map(summarizeSetting),
  };
}
