import type { Level } from "lib/experiment/grid.ts";
import {
  type ExperimentRuns,
  findSetting,
  type GridSummary,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import { netReward } from "../answers/criteria.ts";
import type { AnswersSettings } from "../answers/settings.ts";

/** A form of data over draws and seeds. */
export interface GroupSetting extends SettingSummary {
  /** The best reward less the price of its distance on the way of each run. */
  readonly bests: readonly (number | null)[];
}

export type Summary = GridSummary<GroupSetting>;

/** Uses of the answers of a list. */
export const FORMS = ["list", "all", "extremes"] as const;
export type Form = typeof FORMS[number];

/** The setting of a form; lists of two are pairs, whatever the form is. */
export function findForm(
  { settings }: Pick<Summary, "settings">,
  { form, list, cost = false }: { form: Form; list: number; cost?: boolean },
): GroupSetting | undefined {
  if (list === 2) return findSetting(settings, "dpo", { list });
  if (form === "list") return findSetting(settings, "listwise-dpo", { list });
  const level: Level = { list, [form]: 1, ...cost && { cost: 1 } };
  return findSetting(settings, "dpo", level);
}

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting }: ExperimentRuns<AnswersSettings>,
): Summary {
  return { draws, seeds, settings: bySetting.map(settingOf) };
}

function settingOf(own: SettingRuns): GroupSetting {
  return {
    ...summarizeSetting(own),
    bests: own.runs.map(({ rows }) => bestOf(rows)),
  };
}

/** The best net reward after any evaluated step; `null` where one is missing. */
export function bestOf(rows: readonly MetricsRow[]): number | null {
  const nets = rows.map(({ reward, kl }) =>
    netReward({ reward: reward ?? NaN, kl: kl ?? NaN })
  );
  const best = Math.max(...nets);
  return Number.isFinite(best) ? best : null;
}
