import {
  type ExperimentRuns,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { type Interval, meanInterval } from "lib/stats/interval.ts";
import {
  type AttainablePoint,
  attainableReward,
  storedAttainable,
} from "../reviews/attainable.ts";
import type { FrontierMethod, FrontierSettings } from "../reviews/settings.ts";

/** A method at one of its values, over seeds; step 0 is π_ref. */
export interface FrontierSetting extends SettingSummary {
  /**
   * Gap from the gold reward at the end of training to the attainable reward
   * at the same KL; beyond the end of the curve, to the reward there.
   */
  readonly shortfall: Interval;
}

/** The numbers that the figure shows. */
export interface Summary {
  readonly reference: Readonly<
    Record<"nll" | "entropy" | "wellFormed", number>
  >;
  readonly attainable: readonly AttainablePoint[];
  /** Accuracy of the gold reward itself on held-out pairs, whose labels are noisy. */
  readonly goldAccuracy: Interval;
  readonly methods: readonly FrontierMethod[];
  readonly settings: readonly FrontierSetting[];
}

/** @throws Error where the record of π_ref is missing. */
export function summarize(
  { settings, reference, bySetting }: ExperimentRuns<FrontierSettings>,
): Summary {
  if (!reference) {
    throw new Error('Cannot summarize: the record "reference" is missing');
  }
  const { summary } = reference.record;
  const attainable = storedAttainable(reference.record);
  return {
    reference: {
      nll: Number(summary["nll"]),
      entropy: Number(summary["entropy"]),
      wellFormed: Number(summary["wellFormed"]),
    },
    attainable,
    goldAccuracy: goldAccuracy(bySetting[0]!),
    methods: settings.methods,
    settings: bySetting.map((own) => ({
      ...summarizeSetting(own),
      shortfall: shortfall(own, attainable),
    })),
  };
}

function shortfall(
  { runs }: SettingRuns,
  attainable: readonly AttainablePoint[],
): Interval {
  return meanInterval(runs.map(({ rows }) => {
    const { kl, goldReward } = rows.at(-1)!;
    return attainableReward(attainable, kl!) - goldReward!;
  }));
}

/** The runs of a seed share their held-out pairs, whatever their setting. */
function goldAccuracy({ runs }: SettingRuns): Interval {
  return meanInterval(
    runs.map(({ record }) => Number(record.summary["goldAccuracy"])),
  );
}
