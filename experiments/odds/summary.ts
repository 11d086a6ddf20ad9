import { nameOf } from "lib/experiment/figure_parts.ts";
import {
  type ExperimentRuns,
  type GridSummary,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { checkJson } from "lib/record/check_json.ts";
import { quantile } from "lib/stats/interval.ts";
import * as v from "valibot";
import type { AnswersSettings } from "../answers/settings.ts";
import { EARLY } from "./settings.ts";

const NUMBER = v.number();

const OPTIMUM = v.object({
  kind: v.picklist(["attained", "limit"]),
  ...{ chosenGain: NUMBER, rejectedGain: NUMBER, reward: NUMBER, kl: NUMBER },
});

/** The policy that a loss itself would choose, beside the pairs of a run. */
export type Optimum = v.InferOutput<typeof OPTIMUM>;

/** A method at a level over draws and seeds. */
export interface OddsSetting extends SettingSummary {
  /** Without the level. */
  readonly name: string;
  /** The mean log-ratio of rejected answers early in training, by run. */
  readonly early: readonly (number | null)[];
  /** Medians over the optima of the loss. */
  readonly optimum: Omit<Optimum, "kind">;
}

export type Summary = GridSummary<OddsSetting>;

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting }: ExperimentRuns<AnswersSettings>,
): Summary {
  return { draws, seeds, settings: bySetting.map(settingOf) };
}

function settingOf(own: SettingRuns): OddsSetting {
  const optima = own.runs.map(({ record: { name, summary } }) =>
    checkJson(OPTIMUM, summary["optimum"], `Cannot use the optimum of ${name}`)
  );
  const middle = (of: (one: Optimum) => number) =>
    quantile(optima.map(of), 0.5);
  return {
    ...summarizeSetting(own),
    name: nameOf(own.method),
    early: own.runs.map(({ rows }) =>
      rows.find(({ step }) => step === EARLY)?.["rejectedGain"] ?? null
    ),
    optimum: {
      chosenGain: middle(({ chosenGain }) => chosenGain),
      rejectedGain: middle(({ rejectedGain }) => rejectedGain),
      reward: middle(({ reward }) => reward),
      kl: middle(({ kl }) => kl),
    },
  };
}
