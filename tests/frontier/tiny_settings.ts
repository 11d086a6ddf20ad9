import { type FrontierSettings, FULL } from "experiments/reviews/settings.ts";

/** The experiment in a second or two: a model that learns next to nothing. */
export const TINY: FrontierSettings = {
  ...FULL,
  seeds: [1, 2],
  methods: FULL.methods
    .filter(({ loss }) => ["dpo", "kto", "orpo-ratio"].includes(loss))
    .map((method) => ({ ...method, values: [method.shown] })),
  referenceModel: {
    ...FULL.referenceModel,
    config: {
      ...FULL.referenceModel.config,
      hiddenSize: 16,
      intermediateSize: 24,
      layers: 1,
      headDim: 4,
    },
    steps: 40,
    learningRate: 1e-2,
    heldOut: 20,
  },
  preferences: {
    ...FULL.preferences,
    pairsPerPrompt: 2,
    heldOutPerPrompt: 1,
  },
  training: { ...FULL.training, steps: 4, batch: 9, warmup: 1 },
  evaluation: { ...FULL.evaluation, steps: [2, 4], samplesPerPrompt: 2 },
  attainable: { ...FULL.attainable, samplesPerPrompt: 20 },
};
