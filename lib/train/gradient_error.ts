import { OPTIMIZERS } from "../optim.ts";
import { rowsToReference, type TrainingPlan } from "./loop.ts";
import { computeReference } from "./reference.ts";
import type { Values } from "./trained_parameters.ts";
import { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./trainer_options.ts";

/** How far a gradient g that is computed otherwise is from an exact one, g₀. */
export interface GradientError {
  /** Examples of the batch. */
  readonly examples: number;
  /** g·g₀ / (|g| |g₀|). */
  readonly cosine: number;
  /** |g − g₀| / |g₀|. */
  readonly relative: number;
}

/**
 * Computes the gradient of a plan's first batch before training in one way, and
 * in an exact one. One trainer is there at a time.
 */
export async function gradientError(
  plan: TrainingPlan,
  found: TrainerOptions,
  exact: TrainerOptions,
): Promise<GradientError> {
  const gradient = await firstGradient(plan, found);
  const difference = compareGradients(
    gradient,
    await firstGradient(plan, exact),
  );
  return { examples: plan.batches[0]!.length, ...difference };
}

async function firstGradient(
  plan: TrainingPlan,
  options: TrainerOptions,
): Promise<Values> {
  // No step is taken: the fewest slots do.
  const optimizer = OPTIMIZERS.sgd;
  const trainer = await Trainer.create({ ...options, optimizer });
  try {
    const rows = rowsToReference(plan, options.loss);
    const reference = rows.length === 0 ? null : await computeReference(
      rows,
      (rows, computing) => trainer.referenceLogProbs(rows, computing),
    );
    await trainer.forward.release();
    const examples = plan.batches[0]!.map((i) => plan.examples[i]!);
    const { lossOptions } = options;
    return await trainer.gradient(examples, { lossOptions, reference });
  } finally {
    await trainer.release();
  }
}

/** The angle between two gradients, and the size of their difference. */
export function compareGradients(
  found: Values,
  exact: Values,
): Omit<GradientError, "examples"> {
  let [xy, xx, yy, dd] = [0, 0, 0, 0];
  for (const [name, list] of exact) {
    const others = found.get(name)!;
    for (const [i, y] of list.entries()) {
      const x = others[i]!;
      xy += x * y;
      xx += x * x;
      yy += y * y;
      dd += (x - y) ** 2;
    }
  }
  return { cosine: xy / Math.sqrt(xx * yy), relative: Math.sqrt(dd / yy) };
}
