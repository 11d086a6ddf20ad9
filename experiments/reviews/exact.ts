import type { Outcome } from "lib/experiment/records.ts";
import { lossOptionsAt } from "lib/experiment/grid.ts";
import { findLoss } from "lib/losses/registry.ts";
import { accuracyCeiling, attainableAt, bestOf, exactOptimum } from "./law.ts";
import type { ReviewsSettings } from "./settings.ts";

/** β of the exact frontier, from 0.0001 to 15 nats. */
const BETAS = Array.from({ length: 60 }, (_, i) => 100 * 0.86 ** i);
const BEST_OF = [2, 4, 8, 16, 64];

/**
 * Numbers of the world with the grammar as π_ref, exactly: the attainable
 * frontier, best-of-n, the accuracy that no ranking exceeds, and where the loss
 * of each method wants to go at each share of flipped labels.
 */
export async function exactNumbers(
  { methods, levels, preferences: { temperature } }: ReviewsSettings,
): Promise<Outcome> {
  const flips = [...new Set(levels.map(({ flip = 0 }) => flip))];
  const optima = [];
  for (const method of methods) {
    for (const flip of flips) {
      const { loss, options } = method;
      const found = await exactOptimum(findLoss(loss), lossOptionsAt(method), {
        ...{ temperature, flip },
      });
      optima.push({ loss, options, flip, ...found });
    }
  }
  return {
    rows: [],
    summary: {
      attainable: BETAS.map((beta) => ({ beta, ...attainableAt(beta) })),
      bestOf: BEST_OF.map((n) => ({ n, ...bestOf(n) })),
      accuracyCeiling: accuracyCeiling({ temperature }),
      optima,
    },
  };
}
