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

const NUMBER = v.number();

const OPTIMUM = v.object({
  kind: v.picklist(["attained", "limit"]),
  ...{ reward: NUMBER, kl: NUMBER, winRate: NUMBER },
});

/** The policy that a loss itself would choose in a draw. */
export type Optimum = Readonly<v.InferOutput<typeof OPTIMUM>>;

/** A method at a level over draws and seeds. */
export interface ImbalanceSetting extends SettingSummary {
  /** Whether weights make up for the labels that are dropped. */
  readonly isWeighted: boolean;
  /** Reward less the price of the distance, at the end of each run. */
  readonly nets: readonly (number | null)[];
  /** The optimum of the loss in the draw of each run. */
  readonly optima: readonly Optimum[];
}

export type Summary = GridSummary<ImbalanceSetting>;

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting }: ExperimentRuns<AnswersSettings>,
): Summary {
  return { draws, seeds, settings: bySetting.map(settingOf) };
}

function settingOf(own: SettingRuns): ImbalanceSetting {
  const summary = summarizeSetting(own);
  const { reward = [], kl = [] } = summary.ends;
  return {
    ...summary,
    isWeighted: Object.keys(own.method.options)
      .some((name) => name.endsWith("Weight")),
    nets: own.runs.map((_, i) => {
      const [gained, distance] = [reward[i] ?? null, kl[i] ?? null];
      return gained === null || distance === null
        ? null
        : netReward({ reward: gained, kl: distance });
    }),
    optima: own.runs.map(({ record: { name, summary } }) =>
      checkJson(
        OPTIMUM,
        summary["optimum"],
        `Cannot use the optimum of "${name}"`,
      )
    ),
  };
}
