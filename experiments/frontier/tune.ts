import { writeTextAtomically } from "lib/files/atomic.ts";
import { mean } from "lib/train/metrics.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { ExperimentOptions } from "lib/experiment/experiment.ts";
import type { AttainablePoint } from "./attainable.ts";
import type { RunSpec } from "./bench.ts";
import { withBenches } from "./benches.ts";
import { type FrontierSettings, FULL } from "./settings.ts";
import { runAll, specsOf, survey, teach } from "./stages.ts";

/** What every method is tuned on. */
const TUNING = {
  // Kept for it: no result is of this seed.
  seed: 0,
  // Doubled from a rate at which nothing happens to one at which most break.
  learningRates: [5e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3],
  // Of a nat, in units of reward: between them the attainable reward rises
  // from 1.5 to 3.4.
  prices: [0.3, 0.5, 1, 2],
} as const;

/** Where a run ended. */
export interface End {
  readonly value: number;
  readonly goldReward: number;
  readonly kl: number;
}

/** A rate of a method, and where the runs at each β or λ ended. */
export interface Trial {
  readonly loss: string;
  readonly learningRate: number;
  readonly regret: number;
  readonly ends: readonly End[];
}

/** What `tuning.json` holds. */
export interface Tuning {
  readonly criterion: string;
  readonly seed: number;
  readonly prices: readonly number[];
  readonly trials: readonly Trial[];
  /** The rate of smallest regret of each method. */
  readonly chosen: Readonly<Record<string, number>>;
}

const CRITERION = "the mean over prices c of a nat of " +
  "max_π (E[r] − c KL) − max(0, max over the method's settings of (E[r] − c KL)), " +
  "at the end of training";

const FILE = new URL("./tuning.json", import.meta.url);

/**
 * What a method loses against the attainable frontier, for those who pay each
 * of several prices for a nat of KL and take its best setting for that, or do
 * not train at all. The mere distance from the frontier would be smallest where
 * nothing is learnt, as π_ref lies on it, and the mere reward is highest far
 * away.
 */
export function regret(
  ends: readonly End[],
  { attainable, prices }: {
    attainable: readonly AttainablePoint[];
    prices: readonly number[];
  },
): number {
  return mean(prices.map((price) => {
    const best = attainable.map(({ reward, kl }) => reward - price * kl);
    const own = ends.map(({ goldReward, kl }) => goldReward - price * kl);
    return Math.max(...best) - Math.max(0, ...own);
  }));
}

/** Tries every rate of the grid for every method, and writes `tuning.json`. */
export async function tune(
  { device, jobs, watch }: Pick<ExperimentOptions, "device" | "jobs" | "watch">,
): Promise<Record<string, string | number>[]> {
  const settings: FrontierSettings = {
    ...FULL,
    seeds: [TUNING.seed],
    // Ends alone count.
    evaluation: { ...FULL.evaluation, steps: FULL.evaluation.steps.slice(-1) },
  };
  const { model } = await teach(settings, { device, watch });
  const setup = { settings, reference: model, device, jobs };
  return await withBenches(setup, async (benches) => {
    const { reference, data } = await survey(benches, { settings, watch });
    const ends = new Map<RunSpec, End>();
    await runAll(benches, {
      specs: TUNING.learningRates.flatMap((rate) => specsAt(settings, rate)),
      data,
      watch,
      onRun: (spec, { rows }) => {
        const { goldReward, kl } = rows.at(-1)!;
        const { value } = spec;
        ends.set(spec, { value, goldReward: goldReward!, kl: kl! });
        return Promise.resolve();
      },
    });
    const tuning = conclude(ends, reference.attainable);
    await write(tuning);
    return tableOf(tuning);
  });
}

/** Of rates as settings only the tuned one is left. */
function specsAt(settings: FrontierSettings, learningRate: number): RunSpec[] {
  const methods = settings.methods.map((method) =>
    method.option === "learningRate"
      ? { ...method, values: [learningRate] }
      : { ...method, learningRate }
  );
  return specsOf({ ...settings, methods });
}

function conclude(
  ends: ReadonlyMap<RunSpec, End>,
  attainable: readonly AttainablePoint[],
): Tuning {
  const { prices, learningRates, seed } = TUNING;
  const trials = FULL.methods.flatMap(({ loss }) =>
    learningRates.map((learningRate): Trial => {
      const own = [...ends].filter(([spec]) =>
        spec.loss === loss && spec.learningRate === learningRate
      ).map(([, end]) => end).toSorted((a, b) => a.value - b.value);
      const score = regret(own, { attainable, prices });
      return { loss, learningRate, regret: score, ends: own };
    })
  );
  const chosen = FULL.methods.map(({ loss }) => {
    const own = trials.filter((trial) => trial.loss === loss);
    const [best] = own.toSorted((a, b) => a.regret - b.regret);
    return [loss, best!.learningRate] as const;
  });
  return {
    criterion: CRITERION,
    seed,
    prices,
    trials,
    chosen: Object.fromEntries(chosen),
  };
}

function tableOf({ trials, chosen }: Tuning) {
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

async function write(tuning: Tuning): Promise<void> {
  const text = `${canonicalJson(tuning, { indent: 2 })}\n`;
  await writeTextAtomically(FILE.pathname, text);
}
