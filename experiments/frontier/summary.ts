import * as v from "valibot";
import {
  type ExperimentRuns,
  type GridSummary,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { Method } from "lib/experiment/grid.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import type { PlanePoint } from "lib/experiment/run_plane.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { quantile } from "lib/stats/interval.ts";
import { mean } from "lib/train/metrics.ts";
import {
  attainableReward,
  type ExactNumbers,
  optimumOf,
  storedExact,
} from "../reviews/exact_numbers.ts";
import type { ReviewsSettings } from "../reviews/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

/** A method over draws and seeds; step 0 is π_ref. */
export interface FrontierSetting extends SettingSummary {
  readonly name: string;
  /** Where the loss itself wants to go; `null` where that is not known. */
  readonly optimum: PlanePoint | null;
  /**
   * Reward of each run at the end of training as a share of that which is
   * attainable at its own KL.
   */
  readonly shares: readonly number[];
  /** The path of each run: reward after each evaluated step. */
  readonly paths: readonly (readonly PlanePoint[])[];
  /** Texts of the median run and of the farthest one, at the end. */
  readonly samples: readonly {
    readonly kl: number;
    readonly texts: readonly string[];
  }[];
  /** Whether its value is the one that tuning chose for its loss. */
  readonly isChosen: boolean;
}

/** The numbers that the figure shows. */
export interface Summary extends GridSummary<FrontierSetting> {
  readonly exact: ExactNumbers;
  /** Means over draws. */
  readonly reference: Readonly<Record<"goldReward" | "wellFormed", number>>;
  /** Medians over runs: π_ref tilted by a reward model of the same pairs. */
  readonly rewardModel: readonly PlanePoint[];
}

/** KL beyond which a run counts as one that has run away, in nats. */
export const RUNAWAY = 5;

/** @throws Error where a record beside the runs is missing. */
export function summarize(
  { settings, exact, references, bySetting }: ExperimentRuns<ReviewsSettings>,
): Summary {
  const numbers = storedExact(exact);
  const best = chosenValues();
  return {
    draws: settings.draws,
    seeds: settings.seeds,
    exact: numbers,
    reference: {
      goldReward: meanOver(references, "goldReward"),
      wellFormed: meanOver(references, "wellFormed"),
    },
    rewardModel: rewardModel(bySetting[0]!),
    settings: bySetting.map((own) => settingOf(own, numbers, best)),
  };
}

function settingOf(
  own: SettingRuns,
  exact: ExactNumbers,
  best: ReadonlySet<string>,
): FrontierSetting {
  const { method, runs } = own;
  const name = nameOf(method);
  const paths = runs.map(({ rows }) =>
    rows.map(({ goldReward, kl }) => ({ reward: goldReward!, kl: kl! }))
  );
  return {
    ...summarizeSetting(own),
    name,
    optimum: optimumOf(exact, method),
    shares: paths.map((path) => {
      const { reward, kl } = path.at(-1)!;
      return reward / attainableReward(exact, kl);
    }),
    paths,
    samples: samplesOf(own),
    isChosen: best.has(name),
  };
}

const SAMPLES = v.array(v.string());

function samplesOf({ runs }: SettingRuns): FrontierSetting["samples"] {
  const byKl = runs.map(({ rows, record }) => ({
    kl: rows.at(-1)!["kl"] ?? Infinity,
    texts: v.parse(SAMPLES, record.summary["samples"]),
  })).toSorted((a, b) => a.kl - b.kl);
  const middle = byKl[Math.floor((byKl.length - 1) / 2)]!;
  return [middle, byKl.at(-1)!];
}

/** The value of each loss with the least regret in tuning. */
function chosenValues(): ReadonlySet<string> {
  const trials: readonly (Method & { regret: number })[] = tuning.trials;
  const byLoss = Map.groupBy(trials, ({ loss }) => loss);
  return new Set(
    byLoss.values().map((own) => {
      const [best] = own.toSorted((a, b) => a.regret - b.regret);
      return nameOf(best!);
    }),
  );
}

function meanOver(
  references: ReadonlyMap<number, RecordedRun>,
  name: string,
): number {
  return mean(
    [...references.values()].map(({ record }) => Number(record.summary[name])),
  );
}

const TILTED = v.array(v.object({ reward: v.number(), kl: v.number() }));

/** The runs of a draw and seed share their pairs, whatever their setting. */
function rewardModel({ runs }: SettingRuns): PlanePoint[] {
  const all = runs.map(({ record }) =>
    v.parse(TILTED, record.summary["rewardModel"])
  );
  return all[0]!.map((_, i) => ({
    reward: quantile(all.map((points) => points[i]!.reward), 0.5),
    kl: quantile(all.map((points) => points[i]!.kl), 0.5),
  }));
}
