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
import type { DisplacementSettings } from "./settings.ts";

const REFERENCE = v.object({
  /** Probability of all answers together. */
  answers: v.number(),
  /** That of a prompt's likeliest answer. */
  likeliest: v.number(),
  /** KL(world‖π_ref), in nats. */
  klFromWorld: v.number(),
});

/** A method at a level over draws and seeds. */
export interface DisplacementSetting extends SettingSummary {
  readonly name: string;
  /** π of the chosen and the rejected answers under π_ref, run by run. */
  readonly starts: Readonly<Record<string, readonly number[]>>;
  /** π(chosen) along the training of each run, from π_ref on. */
  readonly chosenPaths: readonly (readonly number[])[];
}

export interface Summary extends GridSummary<DisplacementSetting> {
  /** Medians over draws. */
  readonly reference: Readonly<v.InferOutput<typeof REFERENCE>>;
}

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, references, bySetting }: ExperimentRuns<
    DisplacementSettings
  >,
): Summary {
  const all = [...references.values()].map(({ record }) =>
    checkJson(REFERENCE, record.summary, `Cannot use "${record.name}"`)
  );
  const middle = (name: keyof Summary["reference"]) =>
    quantile(all.map((one) => one[name]), 0.5);
  return {
    ...{ draws, seeds, settings: bySetting.map(settingOf) },
    reference: {
      answers: middle("answers"),
      likeliest: middle("likeliest"),
      klFromWorld: middle("klFromWorld"),
    },
  };
}

function settingOf(own: SettingRuns): DisplacementSetting {
  const { method, level, runs } = own;
  return {
    ...summarizeSetting(own),
    name: nameOf({ ...method, level }),
    starts: Object.fromEntries(
      ["chosen", "rejected"].map((name) => [
        name,
        runs.map(({ rows }) => rows[0]![name]!),
      ]),
    ),
    chosenPaths: runs.map(({ rows }) => rows.map((row) => row["chosen"]!)),
  };
}
