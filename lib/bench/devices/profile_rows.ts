import type { Example } from "../../data/example.ts";
import { pairsOf } from "../cost.ts";
import { type LengthProfile, lengthsOf } from "../shared_prompts.ts";

/** Steps of pairs of one length, among those of other lengths in one run. */
export interface ProfileSteps {
  /** The data set that has such lengths. */
  readonly name: string;
  readonly prompt: number;
  readonly completion: number;
}

/** A run over pairs of several lengths. */
export interface ProfiledRun {
  /** In the order of the steps. */
  readonly profiles: readonly ProfileSteps[];
  /** Pairs of a step. */
  readonly batch: number;
  /** Timed steps of each profile, after one to warm up. */
  readonly steps: number;
}

/** Steps of a run. */
export function stepsOf({ profiles, steps }: ProfiledRun): number {
  return profiles.length * (steps + 1);
}

/** The lengths of profiles, cut to a share of them: 1 for the whole. */
export function profileSteps(
  profiles: readonly LengthProfile[],
  share: number,
): ProfileSteps[] {
  return profiles.map(({ name, ratio, tokens }) => ({
    name,
    ...lengthsOf({ name, ratio, tokens: Math.ceil(share * tokens) }),
  }));
}

/** The pairs of all steps, in their order. */
export function profiledRows(
  { profiles, batch, steps }: ProfiledRun,
  vocabulary: number,
): Example[] {
  return profiles.flatMap(({ prompt, completion }) =>
    pairsOf({ prompt, completion, batch: batch * (steps + 1), vocabulary })
  );
}

/** Splits numbers of all steps by profile, without those that warm up. */
export function timedSteps<T>(
  all: readonly T[],
  { profiles, steps }: ProfiledRun,
): T[][] {
  return profiles.map((_, i) => {
    const first = i * (steps + 1) + 1;
    return all.slice(first, first + steps);
  });
}
