import type { Example } from "lib/data/example.ts";
import type { InputsInMemory } from "lib/run/inputs.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { randomExamples } from "../random_examples.ts";

/** Settings of a run that takes a second. */
export const SETTINGS: GivenSettings = {
  model: "a random decoder",
  data: "random pairs",
  loss: "dpo",
  tuning: { kind: "full" },
  ...{ steps: 4, batch: 4, learningRate: 1e-2, seed: 3, evalEvery: 2 },
  ...{ device: "cpu", threads: 1, microTokens: 64 },
};

const COUNTS = { rows: 12, truncated: 0, dropped: 0, boundaryShifted: 0 };
export const policy = randomDecoder().policy;

/** A policy and pairs that lie nowhere but in memory. */
export function inMemory(
  examples: readonly Example[] = randomExamples({ data: "pairs" }, 12),
): InputsInMemory {
  return {
    policy: {
      policy,
      source: "a random decoder",
      weights: "0".repeat(64),
      tokenizer: null,
      called: "the decoder before training",
    },
    data: {
      kind: "pairs",
      examples,
      description: {
        role: "train",
        source: "random pairs",
        sha256: "1".repeat(64),
        counts: COUNTS,
      },
    },
  };
}
