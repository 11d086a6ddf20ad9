import { type AnswersSettings, WORLD } from "../answers/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

/** Each loss with its options, and the rate that tuning chose. */
const METHODS = [
  { loss: "dpo", options: { beta: 1 } },
  { loss: "ipo", options: { beta: 0.25 } },
  { loss: "kto", options: { beta: 1 } },
  { loss: "dpop", options: {} },
  { loss: "orpo", options: { lambda: 1 } },
  { loss: "simpo", options: {} },
  { loss: "cpo", options: {} },
  { loss: "sft", options: {} },
].map((method) => ({
  ...method,
  learningRate: tuning.chosen.find(({ loss }) => loss === method.loss)
    ?.learningRate ?? 3e-3,
}));

export const FULL: AnswersSettings = {
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [{}],
  methods: METHODS,
  ...WORLD,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ loss }) => ["dpo", "orpo", "sft"].includes(loss)),
  training: { ...FULL.training, steps: 24 },
  evaluation: [6, 12, 24],
};
