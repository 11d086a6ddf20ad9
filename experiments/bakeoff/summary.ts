import { nameOf } from "lib/experiment/figure_parts.ts";
import { METHOD } from "lib/experiment/grid.ts";
import {
  type ExperimentRuns,
  type GridSummary,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { checkJson } from "lib/record/check_json.ts";
import * as v from "valibot";
import { netReward } from "../answers/criteria.ts";
import type { AnswersSettings } from "../answers/settings.ts";

const OF = { loss: v.string(), options: METHOD.entries.options };
const OPTIMUM = v.variant("kind", [
  v.object({
    ...{ ...OF, kind: v.picklist(["attained", "limit"]) },
    ...{ reward: v.number(), kl: v.number() },
  }),
  v.object({ ...OF, kind: v.literal("none"), why: v.string() }),
]);
const EXACT = v.object({ optima: v.array(OPTIMUM) });

/** The policy that a loss itself would choose, or why there is none. */
export type Optimum = v.InferOutput<typeof OPTIMUM>;

/** A loss over draws and seeds. */
export interface BakeoffSetting extends SettingSummary {
  /** E[r] − c KL at the end of each run. */
  readonly gains: readonly (number | null)[];
  readonly optimum: Optimum;
}

export type Summary = GridSummary<BakeoffSetting>;

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting, exact }: ExperimentRuns<
    AnswersSettings
  >,
): Summary {
  const doing = 'Cannot use the summary of "exact"';
  const { optima } = checkJson(EXACT, exact?.record.summary, doing);
  return {
    ...{ draws, seeds },
    settings: bySetting.map((own) => settingOf(own, optima)),
  };
}

function settingOf(
  own: SettingRuns,
  optima: readonly Optimum[],
): BakeoffSetting {
  const setting = summarizeSetting(own);
  const { reward = [], kl = [] } = setting.ends;
  const optimum = optima.find((one) => nameOf(one) === nameOf(own.method));
  if (!optimum) {
    throw new Error(`Cannot summarize: no optimum of ${nameOf(own.method)}`);
  }
  return {
    ...setting,
    gains: reward.map((value, i) => {
      const distance = kl[i] ?? null;
      if (value === null || distance === null) return null;
      return netReward({ reward: value, kl: distance });
    }),
    optimum,
  };
}
