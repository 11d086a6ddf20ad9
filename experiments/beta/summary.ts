import {
  type ExperimentRuns,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { type PairedDifference, pairedDifference } from "lib/stats/interval.ts";
import type { FrontierSettings } from "../frontier/settings.ts";

/** A method at one of its values, over seeds. */
export interface BetaSetting extends SettingSummary {
  /** Measures at the end of training, each in the order of the seeds. */
  readonly ends: Readonly<Record<string, readonly number[]>>;
  /**
   * Gold reward of the method's best value, the one with the highest mean, less
   * that of this one, paired by seed.
   */
  readonly behind: PairedDifference;
  /** Whether the interval of `behind` includes 0; `null` for one seed. */
  readonly within: boolean | null;
}

/** The settings of each method, by rising value. */
export type Summary = readonly (readonly BetaSetting[])[];

export function summarize(
  { settings: { methods }, bySetting }: ExperimentRuns<FrontierSettings>,
): Summary {
  return methods.map(({ loss }) =>
    summarizeMethod(bySetting.filter(({ setting }) => setting.loss === loss))
  );
}

function summarizeMethod(all: readonly SettingRuns[]): BetaSetting[] {
  const rewards = all.map((own) => endsOf(own, "goldReward"));
  const [best] = rewards.toSorted((a, b) => pairedDifference(b, a).mean);
  return all.map((own, i) => {
    const behind = pairedDifference(best!, rewards[i]!);
    const measures = ["goldReward", "kl", "broken", "accuracy"];
    return {
      ...summarizeSetting(own),
      ends: Object.fromEntries(
        measures.map((name) => [name, endsOf(own, name)]),
      ),
      behind,
      within: behind.low === null ? null : behind.low <= 0,
    };
  });
}

function endsOf({ runs }: SettingRuns, measure: string): number[] {
  return runs.map(({ rows }) => rows.at(-1)![measure]!);
}
