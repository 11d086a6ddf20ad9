import { fileURLToPath } from "node:url";
import { writeTextAtomically } from "../files/atomic.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import type {
  ExperimentDefinition,
  ExperimentOptions,
  FinalPoint,
  Tuning,
} from "./definition.ts";
import { type GridPoint, gridPoints, type GridSettings } from "./grid.ts";
import type { Outcome } from "./records.ts";
import { prepareSeeds, runPoints } from "./run_experiment.ts";
import { untilAborted, withWorkers } from "./workers.ts";

/** A rate of a method, and the end of its run at each value. */
interface Trial {
  readonly loss: string;
  readonly learningRate: number;
  readonly regret: number;
  readonly ends: readonly FinalPoint[];
}

type Chosen = Readonly<Record<string, number>>;

/** The end of each run, by its point. */
type Ends = ReadonlyMap<GridPoint, FinalPoint>;

/**
 * Tries every rate for every method. Writes the trials, and the rate with the
 * smallest regret for each method, to the tuning's file.
 *
 * @returns a table of regrets, with a row for each method.
 * @throws Error where the experiment has no tuning.
 */
export async function tune<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  { device, jobs: count, watch, signal }: Pick<
    ExperimentOptions,
    "device" | "jobs" | "watch" | "signal"
  >,
): Promise<Record<string, string | number>[]> {
  const { name, tuning, jobs: module } = definition;
  if (!tuning) {
    throw new Error(
      `Cannot tune ${name}: it does not choose its own learning rates`,
    );
  }
  const { measures, learningRates, seed } = tuning;
  const settings = { ...tuning.settings, seeds: [seed] };
  const shared = await untilAborted(
    definition.prepare(settings, { device, watch }),
    signal,
  );
  const setup = { settings, shared, device };
  const ends = new Map<GridPoint, FinalPoint>();
  let reference: Outcome | null = null;
  const onOutcome = (point: GridPoint | null, outcome: Outcome) => {
    if (point === null) reference = outcome;
    else ends.set(point, finalPoint(point, outcome, measures));
    return Promise.resolve();
  };
  const shares = { module, setup, device, count, signal };
  await withWorkers(shares, async (workers) => {
    const { seeds } = settings;
    const data = await prepareSeeds(workers, {
      ...{ seeds, measures: true, watch, onOutcome },
    });
    const points = learningRates.flatMap((rate) => pointsAt(settings, rate));
    await runPoints(workers, { points, data, watch, onOutcome });
  });
  const trials = trialsOf(tuning, ends, reference);
  const chosen = chosenRates(trials);
  await write(tuning, { trials, chosen });
  return tableOf(trials, chosen);
}

/** The measures at the end of a run that the criterion reads. */
function finalPoint(
  { value }: GridPoint,
  { rows }: Outcome,
  measures: readonly string[],
): FinalPoint {
  const last = rows.at(-1)!;
  const read = measures.map((name) => [name, last[name]!] as const);
  return { value, ...Object.fromEntries(read) };
}

/** Every method at one rate; where the rate varies, it is the only value. */
function pointsAt(settings: GridSettings, learningRate: number): GridPoint[] {
  const methods = settings.methods.map((method) =>
    method.option === "learningRate"
      ? { ...method, values: [learningRate] }
      : { ...method, learningRate }
  );
  return gridPoints({ ...settings, methods });
}

function trialsOf<S extends GridSettings>(
  { settings: { methods }, learningRates, regret }: Tuning<S>,
  ends: Ends,
  reference: Outcome | null,
): Trial[] {
  return methods.flatMap(({ loss }) =>
    learningRates.map((learningRate) => {
      const own = [...ends].filter(([point]) =>
        point.loss === loss && point.learningRate === learningRate
      ).map(([, end]) => end).toSorted((a, b) => a["value"]! - b["value"]!);
      return { loss, learningRate, regret: regret(own, reference), ends: own };
    })
  );
}

function chosenRates(trials: readonly Trial[]): Chosen {
  const byLoss = Object.groupBy(trials, ({ loss }) => loss);
  return Object.fromEntries(
    Object.entries(byLoss).map(([loss, own]) => {
      const [best] = own!.toSorted((a, b) => a.regret - b.regret);
      return [loss, best!.learningRate];
    }),
  );
}

function tableOf(trials: readonly Trial[], chosen: Chosen) {
  return Object.entries(chosen).map(([loss, rate]) => ({
    method: loss,
    ...Object.fromEntries(
      trials.filter((trial) => trial.loss === loss)
        .map(({ learningRate, regret }) =>
          [learningRate.toExponential(), regret] as const
        ),
    ),
    chosen: rate.toExponential(),
  }));
}

async function write<S>(
  { criterion, seed, constants, file }: Tuning<S>,
  found: { trials: readonly Trial[]; chosen: Chosen },
): Promise<void> {
  const all = { criterion, seed, ...constants, ...found };
  const text = `${canonicalJson(all, { indent: 2 })}\n`;
  await writeTextAtomically(fileURLToPath(file), text);
}
