import { mean } from "lib/train/metrics.ts";
import type { RunData } from "../answers/jobs.ts";
import { gainsOf, type Place } from "../answers/world.ts";

/** Changes of log π since π_ref, in nats. */
export function probe(
  logProbs: readonly number[],
  { reference, pairs, places }: Omit<RunData, "start">,
): Record<string, number> {
  const gains = logProbs.map((x, i) => x - reference[i]!);
  const over = (place: Place) =>
    mean(gains.filter((_, i) => places[i] === place));
  return {
    ...gainsOf(logProbs, { reference, pairs }),
    /** Of well-formed answers in no pair. */
    unrelatedGain: over("unseen"),
    brokenGain: over("illFormed"),
    /** Of the answer that is likeliest under π_ref. */
    topGain: gains[reference.indexOf(Math.max(...reference))]!,
  };
}
