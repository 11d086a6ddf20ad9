import { type ReviewsSettings, WORLD } from "experiments/reviews/settings.ts";

/** The world in a second or two: a model that learns next to nothing. */
export const TINY: ReviewsSettings = {
  ...WORLD,
  draws: [0, 1],
  seeds: [1, 2],
  levels: [{}],
  methods: [
    { loss: "dpo", options: { beta: 1 }, learningRate: 4e-4 },
    { loss: "kto", options: { beta: 1 }, learningRate: 4e-4 },
    { loss: "orpo-ratio", options: {}, learningRate: 8e-4 },
  ],
  referenceModel: {
    ...WORLD.referenceModel,
    config: {
      ...WORLD.referenceModel.config,
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
    ...WORLD.preferences,
    pairsPerPrompt: 2,
    heldOutPerPrompt: 1,
  },
  training: { ...WORLD.training, steps: 4, batch: 9, warmup: 1 },
  evaluation: { ...WORLD.evaluation, steps: [2, 4], samplesPerPrompt: 2 },
  attainable: { ...WORLD.attainable, samplesPerPrompt: 20 },
};
