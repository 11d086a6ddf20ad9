import { type AnswersSettings, WORLD } from "../answers/settings.ts";

/** Pairs that π_ref would hardly give, without and with SFT on both before. */
export const PLAIN = { extended: 0 };
export const EXTENDED = { extended: 1 };

/** One for all, of π_ref's extension too. */
export const LEARNING_RATE = 1e-3;

export const FULL: AnswersSettings = {
  ...WORLD,
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [PLAIN, EXTENDED],
  methods: ["dpo", "gate-dpo"].map((loss) => ({
    ...{ loss, options: { beta: 0.1 }, learningRate: LEARNING_RATE },
  })),
  evaluation: [6, 12, 24, 48, 96],
  optima: false,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  training: { ...FULL.training, steps: 24 },
  evaluation: [6, 12, 24],
};
