import { examplesPerPair } from "lib/data/examples_for_loss.ts";
import {
  type GridPoint,
  gridPoints,
  type GridSettings,
  lossOptionsAt,
} from "lib/experiment/grid.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import { presetSettings } from "lib/run/inputs.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import type { ComparisonSettings } from "./settings.ts";

type Train = Pick<ComparisonSettings["train"], "batch" | "preset">;

/**
 * Examples of a step: each method sees the same pairs equally often, and a pair
 * is two examples for losses of single answers.
 */
export function batchOf({ data }: Loss, { batch }: Train): number {
  return batch * examplesPerPair(data);
}

/** The settings of one run; it evaluates on pairs of its own. */
export function runSettings(
  { loss, options, seed, level, learningRate }: GridPoint,
  train: ComparisonSettings["train"],
): GivenSettings {
  return {
    ...train,
    ...{ loss, options, seed, evalData: null },
    learningRate: level["lr"] ?? learningRate,
    batch: batchOf(findLoss(loss), train),
  };
}

/**
 * Checks methods before anything is read.
 *
 * @throws Error for two runs of one name, an option out of its bounds, and a
 * preset that a loss lacks.
 */
export function checkMethods(
  { train, ...grid }: GridSettings & { readonly train: Train },
): void {
  gridPoints(grid);
  for (const method of grid.methods) {
    lossOptionsAt(method);
    presetSettings(findLoss(method.loss), train.preset);
  }
}
