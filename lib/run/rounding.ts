import { ALONE } from "../distributed/group.ts";
import { reasonOf } from "../files/values.ts";
import type { RunRecord } from "../record/record.ts";
import {
  type ForwardPassOptions,
  logProbError,
} from "../train/forward_pass.ts";
import { gradientError } from "../train/gradient_error.ts";
import type { TrainingPlan } from "../train/loop.ts";
import { gigabytes } from "./memory.ts";
import { fittingEstimate, roomOn } from "./memory_estimate.ts";
import type { PreparedRun } from "./plan.ts";
import { trainerOptions } from "./trainers.ts";

type Summary = RunRecord["summary"];

/** Rows of the data on which errors are measured. */
const ROUNDING_ROWS = 4;

/**
 * The errors of log-probabilities that come of holding weights in fewer bits,
 * and those of log-probabilities and of the gradient that come of computing in
 * another format than float32. Those that cannot be measured say why.
 */
export async function roundingOf(run: PreparedRun): Promise<Summary> {
  const { inputs: { model, train }, settings } = run;
  const { policy, exact } = model;
  const { device, precision, threads, microTokens } = settings;
  const rows = train.examples.slice(0, ROUNDING_ROWS);
  const options = { policy, device, threads, microTokens };
  const errorOf = (found: ForwardPassOptions, exact: ForwardPassOptions) =>
    measured(logProbError(rows, found, exact));
  return {
    ...exact && {
      baseWeightsError: await errorOf(options, { ...options, policy: exact }),
    },
    ...precision !== "float32" && {
      precisionError: await errorOf({ ...options, precision }, options),
      gradientError: await measured(gradientErrorOf(run)),
    },
  };
}

/** A device may have no room for more; the run has its result. */
async function measured(error: Promise<object>): Promise<Summary[string]> {
  try {
    return { ...await error };
  } catch (cause) {
    return { notMeasured: reasonOf(cause) };
  }
}

/** @throws Error where there is no room for a trainer in float32. */
async function gradientErrorOf({ inputs, plan, settings }: PreparedRun) {
  const examples = inputs.train.examples.slice(0, ROUNDING_ROWS);
  const batch: TrainingPlan = {
    ...{ ...plan, examples, evalExamples: [] },
    batches: [[...examples.keys()]],
  };
  const { precision } = settings;
  const exact = trainerOptions({
    ...{ inputs, plan: batch },
    settings: { ...settings, precision: "float32" },
  });
  // The first rank measures it alone.
  const room = await roomOn(settings.device, ALONE);
  const { more, recomputedLayers } = fittingEstimate(exact, batch, {
    ...{ ...settings, room },
  });
  if (more > room.free) {
    throw new Error(
      `float32 needs about ${gigabytes(more)}, and ${
        gigabytes(room.free)
      } are free`,
    );
  }
  const chosen = { ...exact, recomputedLayers };
  return await gradientError(batch, { ...chosen, precision }, chosen);
}
