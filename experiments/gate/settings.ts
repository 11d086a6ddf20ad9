import { type AnswersSettings, WORLD } from "../answers/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

/** Pairs of π_ref's own answers, and the same with one rate for all methods. */
export const OWN = {};
export const ONE_RATE = { learningRate: 1e-3 };

/** Each loss at the paper's β, and the rate that tuning chose. */
const METHODS = ["dpo", "ipo", "cal-dpo", "dpo-shift", "gate-dpo", "gate-ipo"]
  .map((loss) => ({
    ...{ loss, options: { beta: 0.1 } },
    learningRate: tuning.chosen.find((method) => method.loss === loss)
      ?.learningRate ?? ONE_RATE.learningRate,
  }));

export const FULL: AnswersSettings = {
  ...WORLD,
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [OWN, ONE_RATE],
  methods: METHODS,
  evaluation: [6, 24, 96],
  optima: false,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ loss }) => ["dpo", "gate-dpo"].includes(loss)),
  training: { ...FULL.training, steps: 24 },
  evaluation: [12, 24],
};
