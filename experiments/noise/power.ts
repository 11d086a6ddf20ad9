import type { Claim } from "lib/experiment/claim.ts";
import { standardError } from "lib/stats/interval.ts";
import { pairsNeeded } from "lib/stats/power.ts";
import type { Summary } from "./summary.ts";
import pilot from "./pilot.json" with { type: "json" };

/** The draws that a contrast needs, by those of the pilot. */
export interface Power {
  /** Id of the claim. */
  readonly id: string;
  /** Mean over the draws of the pilot, in the unit of the claim. */
  readonly effect: number;
  /** Standard deviation over them. */
  readonly deviation: number;
  /** Draws that find the smallest effect of interest with a power of 80 %. */
  readonly forDelta: number;
  /** Draws that find the effect of the pilot with that power. */
  readonly forEffect: number;
}

/** A summary with the draws that each contrast needs. */
export interface SizedSummary extends Summary {
  readonly power: readonly Power[];
}

/** The effect of a claim in each draw of the pilot; none where it is exact. */
export function pilotValues(id: string): readonly number[] {
  return Object.entries(pilot.values).find(([name]) => name === id)?.[1] ?? [];
}

/** The draws that claims need which rest on samples; they share the error. */
export function powerOf(
  claims: readonly Pick<Claim<never>, "id" | "delta">[],
): Power[] {
  const sampled = claims.filter(({ id }) => pilotValues(id).length > 0);
  return sampled.map(({ id, delta }) => {
    const values = pilotValues(id);
    const effect = values.reduce((sum, x) => sum + x, 0) / values.length;
    const deviation = (standardError(values) ?? 0) * Math.sqrt(values.length);
    const needed = (delta: number) =>
      pairsNeeded({ delta, deviation, comparisons: sampled.length });
    const forEffect = needed(Math.abs(effect));
    return { id, effect, deviation, forDelta: needed(delta), forEffect };
  });
}
