import type { Example } from "./data/example.ts";
import { optimizerBatches } from "./data/sampler.ts";
import type { Loss } from "./losses/loss.ts";
import type { BatchOptions, Trainer } from "./trainer.ts";

/** Cuts examples into batches that a loss can work on. */
export function lossBatches<T>(
  examples: readonly T[],
  size: number,
  { minimumBatch = 1 }: Loss,
): T[][] {
  return optimizerBatches(examples, { size, minimum: minimumBatch });
}

/**
 * Loss and metrics of a set of examples, without a step: means over its
 * batches, weighted by their numbers of examples. A metric that a batch does
 * not have is averaged over those that do.
 */
export async function evaluate(
  trainer: Trainer,
  examples: readonly Example[],
  { batch, ...options }: BatchOptions & { batch: number },
): Promise<Record<string, number>> {
  const sums = new Map<string, { total: number; weight: number }>();
  for (const part of lossBatches(examples, batch, trainer.options.loss)) {
    const { loss, metrics } = await trainer.evaluate(part, options);
    for (const [name, value] of Object.entries({ loss, ...metrics })) {
      const { total, weight } = sums.get(name) ?? { total: 0, weight: 0 };
      sums.set(name, {
        total: total + value * part.length,
        weight: weight + part.length,
      });
    }
  }
  return Object.fromEntries(
    sums.entries().map(([name, { total, weight }]) => [name, total / weight]),
  );
}
