import { fileURLToPath } from "node:url";
import { writeTextAtomically } from "../files/atomic.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { quantile } from "../stats/interval.ts";
import type { EndOfRun, ExperimentDefinition, Tuning } from "./definition.ts";
import {
  EXACT,
  type GridPoint,
  gridPoints,
  type GridSettings,
  type Method,
  runName,
} from "./grid.ts";
import { type Outcome, recordName } from "./records.ts";
import {
  type Outcomes,
  removeTrials,
  type Trying,
  trying,
  type TuneOptions,
} from "./trials.ts";

/** A rate of a method, and the ends of its runs. */
interface Trial extends Method {
  /** Median over the runs: how far a run leaves says nothing of a rate. */
  readonly regret: number;
  readonly ends: readonly EndOfRun[];
}

/**
 * Tries every rate for every method, with the same draws, levels and seeds.
 * Writes the trials, and the methods with the rate of the smallest regret, to
 * the tuning's file.
 *
 * @returns a table of regrets, with a row for each method.
 * @throws Error where the experiment has no tuning.
 */
export async function tune<
  S extends GridSettings,
  Start,
  Data,
  Summary extends object,
>(
  { name, tuning, jobs }: ExperimentDefinition<S, Start, Data, Summary>,
  options: TuneOptions,
): Promise<Record<string, string | number>[]> {
  if (!tuning) {
    throw new Error(
      `Cannot tune ${name}: it does not choose its own learning rates`,
    );
  }
  const attempt = trying<S, Start, Data>({ name, jobs }, options);
  const trials = await trialsAt(tuning, attempt);
  const chosen = tuning.settings.methods.map((method) =>
    trialsOf(trials, method).toSorted((a, b) => a.regret - b.regret)[0]!
  ).map(({ loss, options, learningRate }) => ({ loss, options, learningRate }));
  await write(tuning, { trials, chosen });
  await removeTrials(options);
  return chosen.map((method) => rowOf(method, trialsOf(trials, method)));
}

/** Runs every method at every rate. */
async function trialsAt<S extends GridSettings>(
  tuning: Tuning<S>,
  attempt: Trying<S>,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  const beside = new Map<string, Outcome>();
  for (const learningRate of tuning.learningRates) {
    const methods = tuning.settings.methods.map((method) => ({
      ...method,
      learningRate,
    }));
    const settings = { ...tuning.settings, methods };
    const made = await attempt(settings, beside);
    const outcomes = new Map([...beside, ...made]);
    const points = gridPoints(settings);
    for (const method of methods) {
      trials.push(trialOf(tuning, { method, points, outcomes }));
    }
    const runs = new Set(points.map(runName));
    for (const [name, outcome] of made) {
      if (!runs.has(name)) beside.set(name, outcome);
    }
  }
  return trials;
}

function trialOf<S>(
  { measures, regret }: Tuning<S>,
  { method, points, outcomes }: {
    method: Method;
    points: readonly GridPoint[];
    outcomes: Outcomes;
  },
): Trial {
  const runs = points.filter((point) => isSame(point, method)).map((point) => {
    const last = outcomes.get(recordName({ point }))!.rows.at(-1)!;
    const end = Object.fromEntries(
      measures.map((name) => [name, last[name]!]),
    );
    const reference = outcomes.get(recordName({ draw: point.draw })) ?? null;
    const exact = outcomes.get(EXACT) ?? null;
    return { end, regret: regret(end, { method, reference, exact }) };
  });
  return {
    ...method,
    regret: quantile(runs.map(({ regret }) => regret), 0.5),
    ends: runs.map(({ end }) => end),
  };
}

function trialsOf(trials: readonly Trial[], method: Method): Trial[] {
  return trials.filter((trial) => isSame(trial, method));
}

/** Whether two methods differ in nothing except the rate. */
function isSame(a: Method, b: Method): boolean {
  return a.loss === b.loss &&
    canonicalJson(a.options) === canonicalJson(b.options);
}

function rowOf({ loss, options, learningRate }: Method, own: readonly Trial[]) {
  return {
    method: [loss, ...Object.entries(options).flat()].join(" "),
    ...Object.fromEntries(
      own.map(({ learningRate, regret }) => [
        learningRate.toExponential(),
        regret,
      ]),
    ),
    chosen: learningRate.toExponential(),
  };
}

async function write<S extends GridSettings>(
  { criterion, settings, learningRates, constants, file }: Tuning<S>,
  found: { trials: readonly Trial[]; chosen: readonly Method[] },
): Promise<void> {
  const { draws, seeds } = settings;
  const all = {
    criterion,
    draws,
    seeds,
    learningRates,
    ...constants,
    ...found,
  };
  const text = `${canonicalJson(all, { indent: 2 })}\n`;
  await writeTextAtomically(fileURLToPath(file), text);
}
