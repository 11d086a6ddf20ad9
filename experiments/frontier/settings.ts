import type { ReviewsSettings } from "../reviews/settings.ts";
import { QUICK_WORLD, WORLD } from "../reviews/settings.ts";

const beta = (loss: string, values: readonly number[], learningRate: number) =>
  values.map((beta) => ({ loss, options: { beta }, learningRate }));

export const FULL: ReviewsSettings = {
  ...WORLD,
  draws: [0],
  seeds: [1, 2, 3],
  levels: [{}],
  methods: [
    ...beta("dpo", [0.1, 0.3, 1, 3], 4e-4),
    ...beta("kto", [0.1, 0.3, 1, 3], 4e-4),
    ...[0.1, 1, 5].map((lambda) => ({
      ...{ loss: "orpo", options: { lambda }, learningRate: 8e-4 },
    })),
    { loss: "sft", options: {}, learningRate: 8e-4 },
    ...beta("kto-pairwise", [0.1, 1], 8e-4),
    { loss: "orpo-ratio", options: {}, learningRate: 1e-4 },
  ],
};

/** Settings for a look at the whole in seconds. The results mean little. */
export const QUICK: ReviewsSettings = {
  ...FULL,
  ...QUICK_WORLD,
  seeds: [1, 2],
  methods: FULL.methods.filter(({ options }) =>
    Object.values(options).every((value) => value === 1)
  ),
};
