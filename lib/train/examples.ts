import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import type { LossMicroBatch } from "../losses/batch_inputs.ts";
import type { Loss } from "../losses/loss.ts";

/** Numbers of completions that losses look at: fewest, most, in words. */
const COMPLETIONS: Record<Loss["data"], [number, number, string]> = {
  completions: [1, 1, "1"],
  pairs: [2, 2, "2"],
  labels: [1, 1, "1"],
  ranks: [2, Infinity, "at least 2"],
};

/**
 * The row of an example that a loss looks at.
 *
 * @throws RangeError for an example with more or fewer completions than that.
 */
export function rowOf(
  { prompt, completions, lossMask }: Example,
  { id, data }: Loss,
): TokenRow {
  const end = data === "completions" ? 1 : undefined;
  const used = completions.slice(0, end);
  const [fewest, most, wanted] = COMPLETIONS[data];
  if (used.length >= fewest && used.length <= most) {
    const mask = lossMask && { lossMask: lossMask.slice(0, end) };
    return { prompt, completions: used, ...mask };
  }
  throw new RangeError(
    `Cannot use an example of ${completions.length} completions for loss "${id}": expected ${wanted}`,
  );
}

/**
 * The factor of each example's loss in an optimizer batch, or in the set of an
 * evaluation.
 *
 * @throws RangeError where the weights have no mean.
 */
export function exampleWeights(
  examples: readonly Pick<Example, "weight">[],
): number[] {
  const weights = examples.map(({ weight = 1 }) => weight);
  const wrong = weights.findIndex((w) => !(w >= 0 && w < Infinity));
  if (wrong !== -1) {
    throw new RangeError(
      `Cannot weigh example ${wrong} by ${
        weights[wrong]
      }: expected a finite number of at least 0`,
    );
  }
  if (weights.some((weight) => weight > 0)) return weights;
  throw new RangeError(
    `Cannot average over ${weights.length} examples whose weights are all 0: expected one above 0`,
  );
}

/** Counts over an optimizer batch that losses divide by, weighted. */
export function batchTotals(
  examples: readonly Example[],
): LossMicroBatch["totals"] {
  const weights = exampleWeights(examples);
  const total = (count: (example: Example) => number) =>
    examples.reduce((sum, each, i) => sum + weights[i]! * count(each), 0);
  return {
    examples: total(() => 1),
    completionTokens: total((example) =>
      example.label === false ? 0 : lossLengths(example)[0]!
    ),
    promptTokens: total(({ prompt }) => prompt.length - 1),
  };
}
