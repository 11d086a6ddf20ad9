import {
  atEnd,
  QUICK_WORLD,
  type ReviewsSettings,
  WORLD,
} from "../reviews/settings.ts";

/** How much longer the longest training is than one pass over the usual pairs. */
export const LONGEST = 8;

export const FULL: ReviewsSettings = {
  ...WORLD,
  draws: [0],
  seeds: [1],
  levels: [{}, { passes: LONGEST }, { pairs: LONGEST }],
  // The rates that frontier chose for them, at one pass.
  methods: [
    { loss: "dpo", options: { beta: 1 }, learningRate: 4e-4 },
    { loss: "kto", options: { beta: 1 }, learningRate: 8e-4 },
  ],
  evaluation: atEnd(WORLD.evaluation),
};

/** Settings for a look at the whole in seconds. The results mean little. */
export const QUICK: ReviewsSettings = {
  ...FULL,
  ...QUICK_WORLD,
  // One pass over 198 pairs.
  preferences: { ...QUICK_WORLD.preferences, pairsPerPrompt: 11 },
  training: { ...QUICK_WORLD.training, steps: 6 },
  evaluation: { ...QUICK_WORLD.evaluation, steps: [6] },
};
