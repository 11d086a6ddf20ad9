import { type AnswersSettings, WORLD } from "../answers/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

/** Reward that labels add for the words that they like too much. */
export const BONUS = 6;

/** β or τ of each loss, from the tightest to the loosest hold on π_ref. */
export const HOLDS = {
  dpo: [3, 1, 0.3],
  ipo: [0.5, 0.2, 0.05],
  hinge: [3, 1, 0.3],
};

const METHODS = Object.entries(HOLDS).flatMap(([loss, betas]) =>
  betas.map((beta) => ({
    ...{ loss, options: { beta } },
    learningRate: tuning.chosen.find((method) =>
      method.loss === loss && method.options.beta === beta
    )!.learningRate,
  }))
);

export const FULL: AnswersSettings = {
  ...WORLD,
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  // Labels by the gold reward, and by a proxy.
  levels: [{ bonus: 0 }, { bonus: BONUS }],
  methods: METHODS,
  // One pass over 192 batches: each pair is seen once.
  pairs: 1536,
  training: { ...WORLD.training, steps: 192 },
  evaluation: [6, 12, 24, 36, 48, 72, 96, 120, 144, 168, 192],
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ options: { beta } }) => beta < 1 && beta !== 0.2),
  pairs: 384,
  training: { ...FULL.training, steps: 48 },
  evaluation: [6, 12, 24, 36, 48],
  optima: false,
};
