import {
  type ExperimentRuns,
  findSetting,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { GridSettings, Level } from "lib/experiment/grid.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { standardError } from "lib/stats/interval.ts";
import { mean } from "lib/train/metrics.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { type Factor, FACTORS } from "./settings.ts";

/** Measures at the end of a run. */
export const MEASURES = ["reward", "kl"] as const;
export type Measure = typeof MEASURES[number];

/** A result: that of one method, or of their comparison on the same level. */
export const RESULTS = ["dpo", "kto", "difference"] as const;
export type Result = typeof RESULTS[number];

/**
 * How far the levels of a factor move a result, at each fixed point; `null`
 * where a run has no finite value. A random factor's is the standard deviation
 * over all its levels; another's the root of the mean square of the distances
 * from the fixed point.
 */
export type Moves = Readonly<
  Record<Measure, Readonly<Record<Result, readonly (number | null)[]>>>
>;

/** A factor and all that it moves. */
export interface FactorMoves extends Omit<Factor, "levels"> {
  readonly moves: Moves;
  /** The share of its runs that end with the same bits in every measure. */
  readonly same: number;
}

export interface Summary extends Pick<GridSettings, "draws" | "seeds"> {
  /** Draw and seed of each fixed point. */
  readonly points: SettingSummary["runs"];
  /** How far DPO and KTO are apart: the mean over all fixed points and draws. */
  readonly units: Readonly<Record<Measure, number>>;
  readonly factors: readonly FactorMoves[];
}

/** @throws Error where a method was not run. */
export function summarize(
  { settings, bySetting }: ExperimentRuns<AnswersSettings>,
): Summary {
  return summaryOf(bySetting.map(summarizeSetting), settings);
}

/** @throws Error where a method was not run. */
export function summaryOf(
  settings: readonly SettingSummary[],
  { draws, seeds }: Pick<GridSettings, "draws" | "seeds">,
): Summary {
  const { runs: points } = settingAt(settings, "dpo", {});
  const factors = FACTORS.map((factor) => ({
    ...factor,
    levels: factor.levels.filter((level) =>
      findSetting(settings, "dpo", level)
    ),
  })).filter(({ levels }) => levels.length > 0);
  const drawn = factors.filter(({ isRandom }) => isRandom)
    .flatMap(({ levels }) => levels);
  const unit = (measure: Measure) =>
    Math.abs(mean(
      [{}, ...drawn].flatMap((level) =>
        resultsOf(settings, { level, measure, result: "difference" })
      ),
    ));
  return {
    ...{ draws, seeds, points },
    units: { reward: unit("reward"), kl: unit("kl") },
    factors: factors.map((factor) => movesOf(factor, settings)),
  };
}

function movesOf(
  { levels, ...factor }: Factor,
  settings: readonly SettingSummary[],
): FactorMoves {
  const move = factor.isRandom ? deviation : distance;
  const of = (measure: Measure, result: Result) => {
    const at = (level: Level) =>
      resultsOf(settings, { level, measure, result });
    const others = levels.map(at);
    return at({}).map((base, i) => {
      const moved = move(base, others.map((values) => values[i]!));
      return Number.isFinite(moved) ? moved : null;
    });
  };
  const all = (measure: Measure) => ({
    dpo: of(measure, "dpo"),
    kto: of(measure, "kto"),
    difference: of(measure, "difference"),
  });
  return {
    ...factor,
    moves: { reward: all("reward"), kl: all("kl") },
    same: mean(levels.flatMap((level) => sameBits(settings, level))),
  };
}

/** The standard deviation of all levels. */
function deviation(base: number, others: readonly number[]): number {
  const all = [base, ...others];
  if (!all.every(Number.isFinite)) return NaN;
  return standardError(all)! * Math.sqrt(all.length);
}

/** The root of the mean square of the distances from the fixed point. */
function distance(base: number, others: readonly number[]): number {
  return Math.sqrt(mean(others.map((other) => (other - base) ** 2)));
}

/** A result at a level for each fixed point; NaN where a run has none. */
function resultsOf(
  settings: readonly SettingSummary[],
  { level, measure, result }: {
    level: Level;
    measure: Measure;
    result: Result;
  },
): number[] {
  const ends = (loss: string) =>
    settingAt(settings, loss, level).ends[measure]!.map((end) => end ?? NaN);
  if (result !== "difference") return ends(result);
  const kto = ends("kto");
  return ends("dpo").map((end, i) => end - kto[i]!);
}

/** 1 for each run that ends as that of the fixed point does, else 0. */
function sameBits(
  settings: readonly SettingSummary[],
  level: Level,
): number[] {
  return ["dpo", "kto"].flatMap((loss) => {
    const [own, base] = [level, {}].map((at) => settingAt(settings, loss, at));
    return own!.runs.map((_, i) =>
      Number(
        Object.entries(own!.ends)
          .every(([name, values]) => values[i] === base!.ends[name]![i]),
      )
    );
  });
}

function settingAt(
  settings: readonly SettingSummary[],
  loss: string,
  level: Level,
): SettingSummary {
  const found = findSetting(settings, loss, level);
  if (found) return found;
  throw new Error(
    `Cannot compare: "${loss}" was not run at ${canonicalJson(level)}`,
  );
}
