import type { Example } from "../data/example.ts";
import { rowTokens } from "../data/tree_batch.ts";
import type { TrainingPlan } from "../train/loop.ts";
import { rowOf } from "../train/examples.ts";
import { stepMemory } from "../train/step_memory.ts";
import type { TrainerOptions } from "../train/trainer_options.ts";
import { gigabytes } from "./memory.ts";

/** The least that is chosen, unless a batch is smaller. */
const LEAST_TOKENS = 64;

/**
 * Chooses the slots of micro-batches by the memory of their training step: the
 * largest power of two (times 64) whose intermediate results keep within a budget,
 * or the least with which each batch is computed at once.
 *
 * The choice depends on the graph, the data and the budget alone, rather than on
 * what is free at the moment: how a batch is cut moves the last digits.
 *
 * @param budget bytes.
 * @throws Error where even the smallest micro-batches exceed it.
 */
export function microTokensWithin(
  options: TrainerOptions,
  { examples, batches }: Pick<TrainingPlan, "examples" | "batches">,
  budget: number,
): number {
  const steps = batches.map((batch) => batch.map((i) => examples[i]!));
  const takes = (microTokens: number) =>
    stepMemory({ ...options, microTokens }, steps).results;
  const sizes = sizesUpTo(mostSlots(steps, options));
  const least = takes(sizes[0]!);
  if (least > budget) {
    throw new Error(
      `Cannot keep micro-batches within --micro-memory ${
        gigabytes(budget)
      }: the smallest take about ${
        gigabytes(least)
      }; expected more, or shorter rows (--max-length)`,
    );
  }
  let [fits, exceeds] = [0, sizes.length];
  while (exceeds - fits > 1) {
    const between = Math.floor((fits + exceeds) / 2);
    if (takes(sizes[between]!) <= budget) fits = between;
    else exceeds = between;
  }
  return sizes[fits]!;
}

/** Powers of two, up to the first that reaches `most`. */
function sizesUpTo(most: number): number[] {
  const sizes = [LEAST_TOKENS];
  while (sizes.at(-1)! < most) sizes.push(2 * sizes.at(-1)!);
  return sizes;
}

/** Slots of the largest batch that is computed at once. */
function mostSlots(
  steps: readonly (readonly Example[])[],
  { loss }: Pick<TrainerOptions, "loss">,
): number {
  const slots = steps.map((step) => {
    const lengths = step.map((example) => rowTokens(rowOf(example, loss)));
    return step.length * Math.max(...lengths);
  });
  return Math.max(...slots);
}
