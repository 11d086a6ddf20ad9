import type { Example } from "lib/data/example.ts";
import type { Uniform } from "../reviews/grammar.ts";
import type { RunData } from "../answers/jobs.ts";
import { gainsOf, samplePairs } from "../answers/world.ts";

/**
 * Pairs that π_ref would hardly give, compared by the gold reward: any two of
 * the strings that it gives less than an even share, each as often.
 */
export function unlikelyPairs(
  reference: readonly number[],
  sampling: { count: number; rng: Uniform },
): Example[] {
  const even = -Math.log(reference.length);
  const unlikely = reference.filter((x) => x < even).length;
  return samplePairs(
    reference.map((x) => x < even ? -Math.log(unlikely) : -Infinity),
    sampling,
  );
}

/** Changes of log π since training began, in nats. */
export function probe(
  logProbs: readonly number[],
  { reference, pairs, places }: Pick<
    RunData,
    "reference" | "pairs" | "places"
  >,
): Record<string, number> {
  const beside = reference.map((x, i) =>
    ["unseen", "illFormed"].includes(places[i]!) ? x : -Infinity
  );
  const top = beside.indexOf(Math.max(...beside));
  return {
    ...gainsOf(logProbs, { reference, pairs }),
    /** Of the string that was likeliest of those in no pair. */
    topGain: logProbs[top]! - reference[top]!,
    top: Math.exp(logProbs[top]!),
  };
}
