import { nameOf } from "lib/experiment/figure_parts.ts";
import {
  type ExperimentRuns,
  type GridSummary,
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
import { type Place, PLACES } from "../answers/world.ts";

/** A method over draws and seeds. */
export interface MicroSetting extends SettingSummary {
  readonly name: string;
  /** Measures of π_ref beside the data of each run, in the order of the runs. */
  readonly starts: Readonly<Record<Place, readonly number[]>>;
  /** The optimum of the loss beside the data of each run. */
  readonly optima: readonly (Optimum | null)[];
  /** The middle of the optima; `null` where one is missing. */
  readonly optimum: MiddleOptimum | null;
}

export interface Summary extends GridSummary<MicroSetting> {
  readonly reference: StoredReference;
}

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting, ...records }: ExperimentRuns<
    AnswersSettings
  >,
): Summary {
  return {
    ...{ draws, seeds },
    reference: storedReference(records),
    settings: bySetting.map(settingOf),
  };
}

function settingOf(own: SettingRuns): MicroSetting {
  const optima = storedOptima(own);
  const starts = PLACES.map((place) => [
    place,
    own.runs.map(({ rows }) => rows[0]![place]!),
  ]);
  return {
    ...summarizeSetting(own),
    ...{ name: nameOf(own.method), optima, optimum: middleOptimum(optima) },
    starts: Object.fromEntries(starts),
  };
}
