import type { PlanePoint } from "lib/experiment/run_plane.ts";
import {
  type ExperimentRuns,
  type GridSummary,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import {
  type ExactNumbers,
  knownOptimum,
  storedExact,
} from "../reviews/exact_numbers.ts";
import type { ReviewsSettings } from "../reviews/settings.ts";

/** A method after as many passes over as many pairs. */
export interface GapSetting extends SettingSummary {
  readonly passes: number;
  /** In those of the settings. */
  readonly pairs: number;
  /** Where the loss itself wants to go. */
  readonly optimum: PlanePoint;
  /** The gap that each run leaves; see {@linkcode gapTo}. */
  readonly gaps: readonly number[];
}

export interface Summary extends GridSummary<GapSetting> {
  readonly exact: ExactNumbers;
}

/** @throws Error without exact numbers, or for a loss without an optimum. */
export function summarize(
  { settings: { draws, seeds }, exact, bySetting }: ExperimentRuns<
    ReviewsSettings
  >,
): Summary {
  const numbers = storedExact(exact);
  const settings = bySetting.map((own) => settingOf(own, numbers));
  return { draws, seeds, exact: numbers, settings };
}

function settingOf(own: SettingRuns, exact: ExactNumbers): GapSetting {
  const { method, level: { passes = 1, pairs = 1 } } = own;
  const optimum = knownOptimum(exact, method);
  const summary = summarizeSetting(own);
  const { goldReward = [], kl = [] } = summary.ends;
  const gaps = own.runs.map((_, i) =>
    gapTo(optimum, { reward: goldReward[i] ?? NaN, kl: kl[i] ?? NaN })
  );
  return { ...summary, passes, pairs, optimum, gaps };
}

/**
 * How far a policy is from an optimum: the root mean square of how far it is
 * from it in reward and in the root of KL, each as a share of the optimum's. It
 * is 0 at the optimum and 1 at π_ref. No more than 1 counts, which a policy
 * without finite measures has too: it is no nearer than where it began.
 */
export function gapTo(optimum: PlanePoint, { reward, kl }: PlanePoint): number {
  const gap = Math.hypot(
    reward / optimum.reward - 1,
    Math.sqrt(kl / optimum.kl) - 1,
  ) / Math.SQRT2;
  return gap < 1 ? gap : 1;
}
