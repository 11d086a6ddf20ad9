import {
  gridPoints,
  type GridSettings,
  lossOptionsAt,
} from "lib/experiment/grid.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { ComparisonSettings } from "./settings.ts";

type Train = Pick<ComparisonSettings["train"], "batch" | "preset">;

/**
 * Examples of a step: each method sees the same pairs equally often, and a pair
 * is two examples for losses of single answers.
 */
export function batchOf({ data }: Loss, { batch }: Train): number {
  return data === "labels" ? 2 * batch : batch;
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
    requirePreset(findLoss(method.loss), train);
  }
}

function requirePreset({ id, presets = {} }: Loss, { preset }: Train): void {
  if (preset === null || presets[preset]) return;
  throw new RangeError(
    `Cannot use --preset ${preset}: loss "${id}" has ${
      Object.keys(presets).join(", ") || "none"
    }`,
  );
}
