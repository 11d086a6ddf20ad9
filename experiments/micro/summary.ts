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
import { type Place, PLACES } from "../answers/world.ts";

const NUMBER = v.number();

const FOUND = {
  ...{ reward: NUMBER, kl: NUMBER, klBack: NUMBER, entropy: NUMBER },
  ...{ chosen: NUMBER, rejected: NUMBER, unseen: NUMBER, illFormed: NUMBER },
  populationLoss: NUMBER,
  /** The largest reward of any policy at its distance. */
  attainable: NUMBER,
};

const OPTIMUM = v.variant("kind", [
  v.object({ kind: v.picklist(["attained", "limit"]), ...FOUND }),
  v.object({ kind: v.literal("none"), why: v.string() }),
]);

/** The policy that a loss itself would choose in a draw, or why there is none. */
export type Optimum = v.InferOutput<typeof OPTIMUM>;

const REFERENCE = v.object({
  wellFormed: NUMBER,
  entropy: NUMBER,
  attainable: v.array(v.object({ reward: NUMBER, kl: NUMBER })),
});

/** Medians over optima. */
type Middle = Readonly<Record<keyof typeof FOUND, number>>;

/** A method over draws and seeds. */
export interface MicroSetting extends SettingSummary {
  readonly name: string;
  /** Measures of π_ref beside the data of each run, in the order of the runs. */
  readonly starts: Readonly<Record<Place, readonly number[]>>;
  /** The optimum of the loss beside the data of each run. */
  readonly optima: readonly (Optimum | null)[];
  /** The middle of the optima; `null` where one is missing. */
  readonly optimum: Middle | null;
}

export interface Summary extends GridSummary<MicroSetting> {
  /** Medians over draws. */
  readonly reference: {
    readonly wellFormed: number;
    readonly entropy: number;
    readonly attainable: readonly { reward: number; kl: number }[];
  };
}

/** @throws Error where a record does not hold what the experiment writes. */
export function summarize(
  { settings: { draws, seeds }, references, bySetting }: ExperimentRuns<
    AnswersSettings
  >,
): Summary {
  const all = [...references.values()].map(({ record }) =>
    checkJson(REFERENCE, record.summary, `Cannot use "${record.name}"`)
  );
  const middle = (of: (one: typeof all[number]) => number) =>
    quantile(all.map(of), 0.5);
  return {
    ...{ draws, seeds },
    reference: {
      wellFormed: middle(({ wellFormed }) => wellFormed),
      entropy: middle(({ entropy }) => entropy),
      attainable: all[0]!.attainable.map((_, i) => ({
        reward: middle(({ attainable }) => attainable[i]!.reward),
        kl: middle(({ attainable }) => attainable[i]!.kl),
      })),
    },
    settings: bySetting.map(settingOf),
  };
}

function settingOf(own: SettingRuns): MicroSetting {
  const optima = own.runs.map(({ record: { name, summary } }) =>
    checkJson(
      v.nullable(OPTIMUM),
      summary["optimum"],
      `Cannot use the optimum of "${name}"`,
    )
  );
  const starts = PLACES.map((place) => [
    place,
    own.runs.map(({ rows }) => rows[0]![place]!),
  ]);
  return {
    ...summarizeSetting(own),
    ...{ name: nameOf(own.method), optima, optimum: middleOf(optima) },
    starts: Object.fromEntries(starts),
  };
}

function middleOf(optima: readonly (Optimum | null)[]): Middle | null {
  const known = optima.flatMap((each) =>
    each && each.kind !== "none" ? [each] : []
  );
  if (known.length < optima.length) return null;
  const names = Object.keys(FOUND) as (keyof Middle)[];
  const middles = names.map((name) =>
    [name, quantile(known.map((each) => each[name]), 0.5)] as const
  );
  return Object.fromEntries(middles) as Middle;
}
