import {
  atEnd,
  QUICK_WORLD,
  type ReviewsSettings,
  WORLD,
} from "../reviews/settings.ts";

/** Assumed share of flipped labels of the losses that assume one. */
export const ASSUMED = 0.2;

/** KL beyond which a run counts as one that has left the data, in nats. */
export const AWAY = 5;

/** Shares of labels that are flipped. */
export const FLIPS = [0, 0.1, 0.2, 0.3, 0.4];

const assuming = { beta: 1, labelSmoothing: ASSUMED };

export const FULL: ReviewsSettings = {
  ...WORLD,
  draws: [0],
  seeds: [1],
  levels: FLIPS.map((flip) => ({ flip })),
  // The rates that frontier's first tuning chose on labels without flips; those
  // of DPO for its relatives. A user does not know the noise either. They stay,
  // so that all draws have one design.
  methods: [
    { loss: "dpo", options: { beta: 1 }, learningRate: 8e-4 },
    { loss: "dpo", options: assuming, learningRate: 8e-4 },
    { loss: "robust", options: assuming, learningRate: 8e-4 },
    { loss: "ipo", options: { beta: 0.25 }, learningRate: 4e-4 },
    { loss: "kto", options: { beta: 1 }, learningRate: 8e-4 },
  ],
  evaluation: atEnd(WORLD.evaluation),
};

/** Settings for a look at the whole in seconds. The results mean little. */
export const QUICK: ReviewsSettings = {
  ...FULL,
  ...QUICK_WORLD,
  levels: [{ flip: 0 }, { flip: 0.4 }],
  evaluation: atEnd(QUICK_WORLD.evaluation),
};
