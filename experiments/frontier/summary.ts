import { type Interval, meanInterval } from "lib/stats/interval.ts";
import type { AttainablePoint } from "./attainable.ts";
import type { RunSpec } from "./bench.ts";
import { REFERENCE, type StoredRun } from "./records.ts";
import type { Method } from "./settings.ts";
import { storedAttainable, storedSettings } from "./stored_settings.ts";

/** Means over seeds, with 95 % intervals, by name. */
export type Intervals = Readonly<Record<string, Interval>>;

/** A method at one value of its β or λ, over seeds. */
export interface SettingSummary
  extends Pick<RunSpec, "loss" | "option" | "value" | "learningRate"> {
  readonly seeds: readonly number[];
  /** Measures after each evaluated step; step 0 is π_ref. */
  readonly trajectory: readonly { step: number; measures: Intervals }[];
  /**
   * How far the gold reward stays below the attainable at the same KL when
   * training ends; beyond the end of the curve, below its end.
   */
  readonly shortfall: Interval;
}

/** All that the figure shows. */
export interface Summary {
  readonly reference: Readonly<
    Record<"nll" | "entropy" | "wellFormed", number>
  >;
  readonly attainable: readonly AttainablePoint[];
  /** Accuracy of the gold reward itself on held-out pairs: labels are noisy. */
  readonly goldAccuracy: Interval;
  readonly methods: readonly Method[];
  readonly settings: readonly SettingSummary[];
}

/**
 * Puts the runs of an experiment together.
 *
 * @throws Error where runs are missing or do not belong together.
 */
export function summarize(all: readonly StoredRun[]): Summary {
  const reference = all.find(({ record }) => record.name === REFERENCE);
  if (!reference) {
    throw new Error(`Cannot summarize: the record "${REFERENCE}" is missing`);
  }
  const { record } = reference;
  const runs = all.filter((run) => run !== reference);
  runs.forEach((run) => checkOrigin(run, record.summary["weights"]));
  const { settings: { methods, seeds } } = storedSettings(record);
  const attainable = storedAttainable(record);
  const specs = methods.flatMap((method) =>
    method.values.map((value) => ({ ...method, value }))
  );
  return {
    reference: {
      nll: Number(record.summary["nll"]),
      entropy: Number(record.summary["entropy"]),
      wellFormed: Number(record.summary["wellFormed"]),
    },
    attainable,
    goldAccuracy: goldAccuracy(runs, seeds),
    methods,
    settings: specs.map((spec) => {
      const own = seeds.map((seed) => findRun(runs, { ...spec, seed }));
      return summarizeSetting(own, attainable);
    }),
  };
}

/** The reward of the attainable frontier at a KL, between its points on a line. */
export function attainableReward(
  frontier: readonly AttainablePoint[],
  kl: number,
): number {
  const after = frontier.findIndex((point) => point.kl >= kl);
  if (after < 0) return frontier.at(-1)?.reward ?? NaN;
  const b = frontier[after]!;
  // Towards π_ref itself the curve rises like the root of the KL.
  if (after === 0) return b.reward * Math.sqrt(kl / b.kl);
  const a = frontier[after - 1]!;
  return a.reward + (b.reward - a.reward) * (kl - a.kl) / (b.kl - a.kl);
}

function summarizeSetting(
  runs: readonly StoredRun[],
  attainable: readonly AttainablePoint[],
): SettingSummary {
  const specs = runs.map(({ record }) => storedSettings(record).run!);
  const { loss, option, value, learningRate } = specs[0]!;
  const steps = runs[0]!.rows.map(({ step }) => step);
  return {
    loss,
    option,
    value,
    learningRate,
    seeds: specs.map(({ seed }) => seed),
    trajectory: steps.map((step, i) => ({
      step,
      measures: intervalsOf(runs.map(({ rows }) => rows[i]!)),
    })),
    shortfall: meanInterval(runs.map(({ rows }) => {
      const { kl, goldReward } = rows.at(-1)!;
      return attainableReward(attainable, kl!) - goldReward!;
    })),
  };
}

/** Of each measure that all rows have. */
function intervalsOf(
  rows: readonly Readonly<Record<string, number | null>>[],
): Intervals {
  const intervals: Record<string, Interval> = {};
  for (const name of Object.keys(rows[0]!)) {
    const values = rows.flatMap((row) => row[name] ?? []);
    if (name === "step" || values.length < rows.length) continue;
    intervals[name] = meanInterval(values);
  }
  return intervals;
}

/** The runs of a seed share their held-out pairs. */
function goldAccuracy(
  runs: readonly StoredRun[],
  seeds: readonly number[],
): Interval {
  return meanInterval(seeds.map((seed) => {
    const run = runs.find(({ record }) => record.seeds["run"] === seed);
    return Number(run?.record.summary["goldAccuracy"]);
  }));
}

function findRun(
  runs: readonly StoredRun[],
  { loss, option, value, seed }: Omit<RunSpec, "learningRate">,
): StoredRun {
  const found = runs.find(({ record }) => {
    const run = storedSettings(record).run;
    return run?.loss === loss && run.option === option &&
      run.value === value && run.seed === seed;
  });
  if (found) return found;
  throw new Error(
    `Cannot summarize: the run of ${loss} with ${option} ${value} and seed ${seed} is missing`,
  );
}

function checkOrigin({ record }: StoredRun, weights: unknown): void {
  if (record.model.weights === weights) return;
  throw new Error(
    `Cannot summarize: ${record.name} started from other weights than those of the record "${REFERENCE}"`,
  );
}
