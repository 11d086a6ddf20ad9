import { type AnswersSettings, WORLD } from "../answers/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

/** Reward that labels add for each token. */
export const PER_TOKEN = 0.5;

const METHODS = [
  { loss: "dpo", options: { beta: 1 } },
  // It is told how much labels like tokens.
  { loss: "r-dpo", options: { alpha: PER_TOKEN, beta: 1 } },
  { loss: "ld-dpo", options: { alpha: 0.5, beta: 1 } },
  // Answers have about three tokens.
  { loss: "ln-dpo", options: { beta: 3 } },
  { loss: "simpo", options: {} },
  { loss: "orpo", options: { lambda: 1 } },
].map((method) => ({
  ...method,
  learningRate: tuning.chosen.find(({ loss }) => loss === method.loss)!
    .learningRate,
}));

export const FULL: AnswersSettings = {
  ...WORLD,
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [{ perToken: 0 }, { perToken: PER_TOKEN }],
  methods: METHODS,
  // One pass: each pair is seen once.
  pairs: 768,
  evaluation: [6, 12, 18, 24, 36, 48, 60, 72, 84, 96],
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ loss }) => ["dpo", "r-dpo"].includes(loss)),
  pairs: 384,
  training: { ...FULL.training, steps: 48 },
  evaluation: [6, 12, 24, 48],
  optima: false,
};
