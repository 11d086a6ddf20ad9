import {
  type ExperimentRuns,
  type GridSummary,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { AnswersSettings } from "../answers/settings.ts";

export type Summary = GridSummary<SettingSummary>;

export function summarize(
  { settings: { draws, seeds }, bySetting }: ExperimentRuns<AnswersSettings>,
): Summary {
  return { draws, seeds, settings: bySetting.map(summarizeSetting) };
}
