import {
  type ExperimentRuns,
  type GridSummary,
  type SettingRun,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { checkJson } from "lib/record/check_json.ts";
import { quantile } from "lib/stats/interval.ts";
import * as v from "valibot";
import type { AnswersSettings } from "../answers/settings.ts";

/** Gold reward over π_ref's at which lengths are compared: half of all. */
export const GAIN = 0.5;

const FOUND = { reward: v.number(), tokens: v.number(), kl: v.number() };
const OPTIMUM = v.nullable(v.variant("kind", [
  v.object({ kind: v.picklist(["attained", "limit"]), ...FOUND }),
  v.object({ kind: v.literal("none"), why: v.string() }),
]));

/** A method at one level of labels. */
export interface LengthSetting extends SettingSummary {
  /** Tokens under π_ref, in the order of the runs. */
  readonly starts: readonly number[];
  /** Tokens where gold has first risen by GAIN; `null` where it never does. */
  readonly atGain: readonly (number | null)[];
  /** Medians over the optima of the loss itself; `null` where one is missing. */
  readonly optimum: Readonly<Record<keyof typeof FOUND, number>> | null;
}

export type Summary = GridSummary<LengthSetting>;

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, bySetting }: ExperimentRuns<AnswersSettings>,
): Summary {
  return { draws, seeds, settings: bySetting.map(settingOf) };
}

function settingOf(own: SettingRuns): LengthSetting {
  const optima = own.runs.flatMap(({ record: { name, summary } }) => {
    const doing = `Cannot use the optimum of "${name}"`;
    const found = checkJson(OPTIMUM, summary["optimum"], doing);
    return found && found.kind !== "none" ? [found] : [];
  });
  const middle = (of: keyof typeof FOUND) =>
    quantile(optima.map((found) => found[of]), 0.5);
  return {
    ...summarizeSetting(own),
    starts: own.runs.map(({ rows }) => rows[0]!["tokens"]!),
    atGain: own.runs.map(({ rows }) => tokensAt(rows, GAIN)),
    optimum: optima.length < own.runs.length ? null : {
      reward: middle("reward"),
      tokens: middle("tokens"),
      kl: middle("kl"),
    },
  };
}

/**
 * Tokens where the gold reward has first risen by so much over its start, linear
 * between checkpoints; `null` where it never does.
 */
export function tokensAt(
  rows: SettingRun["rows"],
  gain: number,
): number | null {
  const points = rows.map((row) => ({
    gain: row["reward"]! - rows[0]!["reward"]!,
    tokens: row["tokens"]!,
  }));
  const at = points.findIndex((point) => point.gain >= gain);
  if (at < 1) return null;
  const [from, to] = [points[at - 1]!, points[at]!];
  const share = (gain - from.gain) / (to.gain - from.gain);
  return from.tokens + share * (to.tokens - from.tokens);
}
