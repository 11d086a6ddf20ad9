import { type AnswersSettings, WORLD } from "../answers/settings.ts";

/** Pairs of answers that π_ref did not write. */
export const OFF_POLICY = { offPolicy: 1 };

export const ODDS = "orpo";
export const PROBABILITIES = "orpo-probability-ratio";

/** The weights of the contrast that the paper compares. */
const LAMBDAS = [0.1, 0.5, 1];

/** They differ in the loss alone: all have the rate that micro chose for ORPO. */
const METHODS = [
  { loss: "sft", options: {} },
  ...[ODDS, PROBABILITIES].flatMap((loss) =>
    LAMBDAS.map((lambda) => ({ loss, options: { lambda } }))
  ),
].map((method) => ({ ...method, learningRate: 3e-3 }));

export const FULL: AnswersSettings = {
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  seeds: [1],
  levels: [{}, OFF_POLICY],
  methods: METHODS,
  ...WORLD,
};

/** Two passes over the pairs: early in training. */
export const EARLY = 12;

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ options }) =>
    !("lambda" in options) || options.lambda === 1
  ),
  training: { ...FULL.training, steps: 24 },
  evaluation: [6, EARLY, 24],
};
