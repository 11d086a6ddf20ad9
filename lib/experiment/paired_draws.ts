import { type BinomialInterval, binomialInterval } from "../stats/binomial.ts";
import { quantile } from "../stats/interval.ts";
import { mean } from "../train/metrics.ts";
import type { Level } from "./grid.ts";
import { type Check, drawsEvidence, type Evidence } from "./evidence.ts";
import { findSetting, type GridSummary } from "./summary.ts";

/** The value of a run; `null` where it has none. */
export interface DrawValue {
  /** Seed of the model that the run starts from. */
  readonly draw: number;
  /** Seed of the run. */
  readonly seed: number;
  /** The measure. */
  readonly value: number | null;
}

/**
 * The values of the runs of a setting; none where it was not run.
 *
 * @param valuesOf those of a setting in the order of its runs.
 */
export function runValues<
  Setting extends { readonly runs: readonly Omit<DrawValue, "value">[] },
>(
  setting: Setting | undefined,
  valuesOf: (setting: Setting) => readonly (number | null)[] | undefined,
): DrawValue[] {
  if (!setting) return [];
  const values = valuesOf(setting) ?? [];
  return setting.runs.map((run, i) => ({ ...run, value: values[i] ?? null }));
}

/** The values of a measure at the end of a loss's runs at a level. */
export function endValues(
  { settings }: GridSummary,
  loss: string,
  level: Level,
  measure: string,
): DrawValue[] {
  const setting = findSetting(settings, loss, level);
  return runValues(setting, ({ ends }) => ends[measure]);
}

/** The values with their signs turned, for claims that something falls. */
export function negated(runs: readonly DrawValue[]): DrawValue[] {
  return runs.map((run) => ({
    ...run,
    value: run.value === null ? null : -run.value,
  }));
}

/** Effects by draw, of {@linkcode pairedByDraw}. */
export interface PairedByDraw {
  /** One difference per draw, in the order of the draws. */
  readonly differences: readonly number[];
  /** Draws in which one of the two has no value. */
  readonly missing: readonly number[];
}

/**
 * The difference of two methods, a − b, in each draw of the reference model.
 * Runs without a value are left out of the summary of their draw.
 *
 * @param summary of the seeds of a draw: their median, or their mean for
 * shares. @default median
 * @throws {Error} where the methods have other draws.
 */
export function pairedByDraw(
  a: readonly DrawValue[],
  b: readonly DrawValue[],
  summary: (values: readonly number[]) => number = median,
): PairedByDraw {
  const [ofA, ofB] = [byDraw(a), byDraw(b)];
  const draws = [...ofA.keys()].sort((x, y) => x - y);
  const others = [...ofB.keys()].sort((x, y) => x - y);
  if (draws.join() !== others.join()) {
    throw new Error(
      `Cannot pair the draws ${draws} with ${others}: expected the same`,
    );
  }
  const differences: number[] = [];
  const missing: number[] = [];
  for (const draw of draws) {
    const [valuesA, valuesB] = [ofA.get(draw)!, ofB.get(draw)!];
    if (valuesA.length === 0 || valuesB.length === 0) missing.push(draw);
    else differences.push(summary(valuesA) - summary(valuesB));
  }
  return { differences, missing };
}

/** The values of each draw, those that there are. */
function byDraw(runs: readonly DrawValue[]): Map<number, number[]> {
  const grouped = new Map<number, number[]>();
  for (const { draw, value } of runs) {
    const values = grouped.get(draw) ?? [];
    if (value !== null) values.push(value);
    grouped.set(draw, values);
  }
  return grouped;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The check that no draw is missing: leaving draws out would choose among them. */
export function completeCheck(
  name: string,
  { differences, missing }: PairedByDraw,
): Check {
  const all = differences.length + missing.length;
  return {
    name,
    passed: missing.length === 0,
    found: `${differences.length} of ${all} draws`,
  };
}

/**
 * Evidence from the difference of two methods, a − b, in each draw. It is not
 * testable where a draw has no value of one of them, or one has no runs.
 *
 * @throws {Error} where the methods have other draws.
 */
export function pairedEvidence(
  a: readonly DrawValue[],
  b: readonly DrawValue[],
): Evidence {
  const seeds = seedsOf(a, b);
  if (a.length === 0 || b.length === 0) return drawsEvidence([], { seeds });
  const paired = pairedByDraw(a, b);
  const check = completeCheck("every draw has a value of both", paired);
  return drawsEvidence(paired.differences, { seeds, checks: [check] });
}

/** Evidence from the value of one method in each draw, against 0. */
export function valueEvidence(runs: readonly DrawValue[]): Evidence {
  return pairedEvidence(runs, runs.map((run) => ({ ...run, value: 0 })));
}

/**
 * Evidence from the share of a method's runs {@linkcode beyond} a limit, less
 * that of another's, in each draw. Every run counts, so that none is missing.
 *
 * @throws {Error} where the methods have other draws.
 */
export function beyondEvidence(
  a: readonly DrawValue[],
  b: readonly DrawValue[],
  limit: number,
): Evidence {
  const seeds = seedsOf(a, b);
  if (a.length === 0 || b.length === 0) return drawsEvidence([], { seeds });
  const [ofA, ofB] = [a, b].map((runs) => beyond(runs, limit));
  return drawsEvidence(pairedByDraw(ofA!, ofB!, mean).differences, { seeds });
}

function seedsOf(...methods: readonly (readonly DrawValue[])[]): number {
  return new Set(methods.flat().map(({ seed }) => seed)).size;
}

/** A point of a method's path: its KL from the reference model, and a measure. */
export interface PathPoint {
  /** In nats. */
  readonly kl: number;
  /** The measure. */
  readonly value: number;
}

/**
 * A measure where a method's path first reaches a KL, such as its reward at one
 * nat; `null` where the path ends before or begins beyond. Between points it is
 * linear in √KL, since reward rises about as the root near the reference model.
 *
 * @param path in its order: steps of training, or settings from the nearest to
 * the farthest. It begins with the reference model itself at KL 0.
 */
export function valueAtKl(
  path: readonly PathPoint[],
  kl: number,
): number | null {
  const at = path.findIndex((point) => point.kl >= kl);
  const after = path[at];
  if (after === undefined) return null;
  if (after.kl === kl) return after.value;
  const before = path[at - 1];
  if (before === undefined) return null;
  const [from, to] = [Math.sqrt(before.kl), Math.sqrt(after.kl)];
  const share = (Math.sqrt(kl) - from) / (to - from);
  return before.value + (after.value - before.value) * share;
}

/**
 * Marks the runs beyond a limit with 1 and the others with 0, so that
 * {@linkcode pairedByDraw} with `mean` compares the shares of two methods. A
 * run without a value has diverged: it counts as beyond.
 */
export function beyond(runs: readonly DrawValue[], limit: number): DrawValue[] {
  return runs.map((run) => ({
    ...run,
    value: run.value === null || !(run.value <= limit) ? 1 : 0,
  }));
}

/**
 * The share of draws with a run beyond a limit. Its interval is over draws:
 * seeds of one draw are not independent.
 */
export function drawsBeyond(
  runs: readonly DrawValue[],
  limit: number,
): BinomialInterval {
  const draws = [...byDraw(beyond(runs, limit)).values()];
  const count = draws.filter((marks) => marks.includes(1)).length;
  return binomialInterval(count, draws.length);
}
