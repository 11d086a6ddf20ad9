import { GRID } from "lib/experiment/grid.ts";
import { COUNT } from "lib/record/check_json.ts";
import * as v from "valibot";
import { ANSWERS_SETTINGS } from "../answers/settings.ts";

const { referenceModel, training, evaluation } = ANSWERS_SETTINGS.entries;

/** Schema of all that decides the runs. */
export const DISPLACEMENT_SETTINGS = v.strictObject({
  ...GRID,
  world: v.strictObject({
    /** Answers of one token: half of them agree, half refuse. */
    answers: COUNT,
    /** Prompts of one token. */
    prompts: COUNT,
    /** Features of an answer's meaning, of which one is the stance. */
    features: COUNT,
    /** Deviation of what a prompt asks for in each feature. */
    sharpness: v.number(),
  }),
  ...{ referenceModel, training, evaluation },
  /** SFT on the chosen answers of all prompts, at levels that ask for it. */
  sft: v.strictObject({
    ...{ steps: COUNT, batch: COUNT, learningRate: v.number(), warmup: COUNT },
  }),
});

export type DisplacementSettings = Readonly<
  v.InferOutput<typeof DISPLACEMENT_SETTINGS>
>;

/** The least alike, the middle and the most alike of a chosen answer's rivals. */
export const DOSES = [0, 0.5, 1].map((likeness) => ({ likeness }));
export const ALIKE = { likeness: 1 };
/** One prompt alone. */
export const ALONE = { ...ALIKE, prompts: 1 };
/** The same from π_ref after SFT on the chosen answers of all prompts. */
export const TUNED = { ...ALONE, sft: 1 };
/** Half of π_ref's own pairs: the least alike, or any. */
export const FILTERED = { filtered: 1 };
export const HALVED = { filtered: 0 };

/** β of the losses that have one, as in the paper's runs. */
const options = { beta: 0.1 };
/** One for all: AdamW's steps are as long whatever the scale of a loss. */
const learningRate = 1e-3;

export const FULL: DisplacementSettings = {
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [...DOSES, ALONE, TUNED, FILTERED, HALVED],
  methods: [
    { loss: "dpo", options, learningRate },
    { loss: "ipo", options, learningRate },
    { loss: "dpo+sft", options, learningRate },
    { loss: "dpop", options, learningRate },
    { loss: "simpo", options: {}, learningRate },
    { loss: "gate-dpo", options, learningRate },
  ],
  world: { answers: 48, prompts: 64, features: 4, sharpness: 2 },
  referenceModel: {
    // Six times as many answers as a state has numbers: heads are that narrow.
    ...{ hiddenSize: 8, intermediateSize: 16, layers: 3, heads: 2 },
    ...{ steps: 300, batch: 32, learningRate: 1e-2, warmup: 10 },
  },
  training: {
    ...{ steps: 128, batch: 16, schedule: "linear", warmup: 8, maxGradNorm: 1 },
  },
  evaluation: [4, 8, 16, 32, 64, 128],
  // Eight passes over 64 chosen answers.
  sft: { steps: 32, batch: 16, learningRate: 1e-3, warmup: 4 },
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: DisplacementSettings = {
  ...FULL,
  draws: [0],
  methods: FULL.methods.filter(({ loss }) => loss.startsWith("dpo")),
  training: { ...FULL.training, steps: 64 },
  evaluation: [8, 16, 32, 64],
};
