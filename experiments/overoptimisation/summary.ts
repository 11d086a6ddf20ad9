import {
  type ExperimentRuns,
  type GridSummary,
  type SettingRun,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import {
  type MiddleOptimum,
  middleOptimum,
  type Optimum,
  storedOptima,
  type StoredReference,
  storedReference,
} from "../answers/stored_numbers.ts";

/** A method at one level of labels. */
export interface HoldSetting extends SettingSummary {
  /** The most gold reward of each run at any checkpoint, π_ref's included. */
  readonly peaks: readonly number[];
  /** The step of that checkpoint. */
  readonly peakSteps: readonly number[];
  /** The optimum of the loss itself in each run's draw. */
  readonly optima: readonly (Optimum | null)[];
  /** The middle of the optima; `null` where one is missing. */
  readonly optimum: MiddleOptimum | null;
}

/** A loss at one level, over all of its β and all checkpoints of a run. */
export interface Curve extends Pick<SettingSummary, "loss" | "level" | "runs"> {
  /**
   * γ of the fit of E[r] − E_ref[r] by d (α − γ d), d = √KL, in each run; that
   * of Gao et al. for best-of-n. Reward per nat.
   */
  readonly bends: readonly number[];
  /** Growth of the probability of ill-formed answers by KL, per nat. */
  readonly leaks: readonly number[];
}

export interface Summary extends GridSummary<HoldSetting> {
  readonly reference: StoredReference;
  readonly curves: readonly Curve[];
}

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting, ...records }: ExperimentRuns<
    AnswersSettings
  >,
): Summary {
  const curves = Map.groupBy(
    bySetting,
    ({ method: { loss }, level }) => `${loss} ${level["bonus"]}`,
  );
  return {
    ...{ draws, seeds, reference: storedReference(records) },
    settings: bySetting.map(settingOf),
    curves: [...curves.values()].map(curveOf),
  };
}

function settingOf(own: SettingRuns): HoldSetting {
  const optima = storedOptima(own);
  const best = own.runs.map(({ rows }) =>
    rows.reduce((a, b) => b["reward"]! > a["reward"]! ? b : a)
  );
  return {
    ...summarizeSetting(own),
    peaks: best.map((row) => row["reward"]!),
    peakSteps: best.map((row) => row["step"]!),
    ...{ optima, optimum: middleOptimum(optima) },
  };
}

function curveOf(holds: readonly SettingRuns[]): Curve {
  const { method: { loss }, level, runs } = holds[0]!;
  const points = runs.map((_, i) =>
    holds.flatMap((own) => gains(own.runs[i]!))
  );
  return {
    ...{ loss, level, runs: runs.map(({ draw, seed }) => ({ draw, seed })) },
    bends: points.map((all) => bend(all.map(({ d, reward }) => [d, reward]))),
    leaks: points.map((all) =>
      sum(all, ({ d, illFormed }) => d ** 2 * illFormed) /
      sum(all, ({ d }) => d ** 4)
    ),
  };
}

/** What a run has gained over π_ref at each checkpoint, at the distance √KL. */
function gains({ rows: [start, ...rows] }: SettingRun) {
  return rows.map((row) => ({
    d: Math.sqrt(row["kl"]!),
    reward: row["reward"]! - start!["reward"]!,
    illFormed: row["illFormed"]! - start!["illFormed"]!,
  }));
}

/** γ of the least squares fit of y by d (α − γ d). */
export function bend(
  points: readonly (readonly [d: number, y: number])[],
): number {
  const [d2, d3, d4] = [2, 3, 4].map((n) => sum(points, ([d]) => d ** n));
  const [dy, ddy] = [1, 2].map((n) => sum(points, ([d, y]) => d ** n * y));
  return (d3! * dy! - d2! * ddy!) / (d2! * d4! - d3! ** 2);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
