import type { BaseWeights } from "../models/base_weights.ts";
import { prepareRun } from "../run/plan.ts";
import { trainerOptions } from "../run/trainers.ts";
import { type LogProbError, logProbError } from "../train/forward_pass.ts";
import { Trainer } from "../train/trainer.ts";
import { step } from "./cost.ts";
import { settingsOf, type TrainingJob } from "./training.ts";

/** A process that trains over both; its loss is given. */
export type BaseWeightsJob = Omit<TrainingJob, "loss" | "cache">;

/** Steps over weights in float32 and held otherwise, in turn. */
export interface BaseWeightsTimes {
  /** Seconds of each timed step. */
  readonly float32: readonly number[];
  readonly held: readonly number[];
  /** How far off log-probabilities are over weights held so. */
  readonly error: LogProbError;
}

/** Rows on which that error is measured, as runs measure it. */
const SCORED = 4;

/** Times each step over both, of SimPO, which needs no reference. */
export async function timeBaseWeights(
  job: BaseWeightsJob,
): Promise<BaseWeightsTimes> {
  const [wide, narrow] = [
    await trainerOf(job, "float32"),
    await trainerOf(job, "w8a16"),
  ];
  const times = { float32: [] as number[], held: [] as number[] };
  for (const [i, batch] of wide.batches.entries()) {
    const order = i % 2 === 0 ? [wide, narrow] : [narrow, wide];
    for (const each of order) {
      const seconds = await step(each.trainer, batch);
      // The first warms up.
      if (i > 0) times[each === wide ? "float32" : "held"].push(seconds);
    }
  }
  for (const { trainer } of [wide, narrow]) await trainer.release();
  const { examples, options } = wide;
  const error = await logProbError(
    examples.slice(0, SCORED),
    narrow.options,
    options,
  );
  return { ...times, error };
}

async function trainerOf(
  job: BaseWeightsJob,
  baseWeights: BaseWeights,
) {
  const settings = settingsOf({ ...job, loss: "simpo" }, job.steps + 1);
  const prepared = await prepareRun({ ...settings, baseWeights });
  const { examples, batches } = prepared.plan;
  const options = trainerOptions(prepared);
  const trainer = await Trainer.create(options);
  return {
    ...{ trainer, options, examples },
    batches: batches.map((batch) => batch.map((i) => examples[i]!)),
  };
}
