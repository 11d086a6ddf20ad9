import { examplesPerPair } from "lib/data/examples_for_loss.ts";
import {
  type GridPoint,
  gridPoints,
  type GridSettings,
} from "lib/experiment/grid.ts";
import { lossOf, type MethodLosses } from "lib/experiment/method_losses.ts";
import type { Loss } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
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
  { options, seed, level, learningRate }: GridPoint,
  { train, loss }: Pick<ComparisonSettings, "train"> & { readonly loss: Loss },
): GivenSettings {
  return {
    ...train,
    ...{ loss: loss.id, options, seed, evalData: null },
    learningRate: level["lr"] ?? learningRate,
    batch: batchOf(loss, train),
  };
}

/**
 * Checks methods before model and data are read.
 *
 * @throws Error for two runs of one name, an option out of its bounds, and a
 * preset that a loss lacks.
 */
export function checkMethods(
  { train, ...grid }: GridSettings & { readonly train: Train },
  losses: MethodLosses,
): void {
  gridPoints(grid);
  for (const method of grid.methods) {
    const { loss } = lossOf(losses, method);
    resolveOptions(loss, method.options);
    presetSettings(loss, train.preset);
  }
}
