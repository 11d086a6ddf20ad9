import type { Example } from "../data/example.ts";
import { BASE, pairsOf, step, trainerOf } from "./cost.ts";
import { randomPolicy } from "./random_policy.ts";

/** Lengths that are typical of a data set. */
export interface LengthProfile {
  readonly name: string;
  /** Median tokens of a prompt and a completion. */
  readonly tokens: number;
  /** Median tokens of the prompt for one of a completion. */
  readonly ratio: number;
}

/**
 * The data sets of https://github.com/frankxwang/dpo-prefix-sharing
 * (https://arxiv.org/abs/2410.20305), by its table of medians.
 */
export const PROFILES: readonly LengthProfile[] = [
  { name: "Capybara", tokens: 1160, ratio: 1.59 },
  { name: "HH-RLHF", tokens: 186, ratio: 2.15 },
  { name: "MetaMath", tokens: 872, ratio: 3.91 },
  { name: "TL;DR", tokens: 416, ratio: 11.14 },
  { name: "HelpSteer", tokens: 775, ratio: 6.34 },
  { name: "UltraFeedback", tokens: 409, ratio: 0.42 },
];

/** A profile's lengths in whole tokens. */
export function lengthsOf({ tokens, ratio }: LengthProfile) {
  const completion = Math.round(tokens / (1 + ratio));
  return { prompt: tokens - completion, completion };
}

/** Times of steps on pairs of one profile. */
export interface SharedPrompts {
  readonly name: string;
  readonly prompt: number;
  readonly completion: number;
  /** Seconds with each prompt once, for both completions. */
  readonly shared: readonly number[];
  /** Seconds with the prompt before each completion, as two rows. */
  readonly repeated: readonly number[];
}

/**
 * Times both ways in turn, on a random decoder. The repeated rows learn by SFT,
 * which takes single completions and costs as little as SimPO: the layers see
 * the same work but for the second prompt.
 */
export async function timeSharedPrompts(
  { profile, rounds, threads }: {
    profile: LengthProfile;
    rounds: number;
    threads: number;
  },
): Promise<SharedPrompts> {
  const policy = randomPolicy(BASE);
  const { vocabulary } = BASE;
  const lengths = lengthsOf(profile);
  const pairs = pairsOf({ ...lengths, batch: 2, vocabulary });
  const single = pairs.flatMap(apart);
  const [sharing, repeating] = [
    await trainerOf(policy, "simpo", { rows: pairs, threads }),
    await trainerOf(policy, "sft", { rows: single, threads }),
  ];
  const times = { shared: [] as number[], repeated: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const shared = await step(sharing, pairs);
    const repeated = await step(repeating, single);
    if (round === 0) continue; // warms up
    times.shared.push(shared);
    times.repeated.push(repeated);
  }
  await sharing.release();
  await repeating.release();
  return { name: profile.name, ...lengths, ...times };
}

function apart({ prompt, completions }: Example): Example[] {
  return completions.map((ids) => ({ prompt, completions: [ids] }));
}
