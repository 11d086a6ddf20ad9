import * as v from "valibot";
import { GRID, type GridSettings } from "lib/experiment/grid.ts";
import { SCHEDULES } from "lib/train/schedule.ts";
import { COUNT } from "lib/record/check_json.ts";
import { BOS, encode, EOS, VOCABULARY } from "./world.ts";

const DECODER = v.strictObject({
  vocabSize: COUNT,
  hiddenSize: COUNT,
  intermediateSize: COUNT,
  layers: COUNT,
  heads: COUNT,
  kvHeads: COUNT,
  headDim: COUNT,
  normEpsilon: v.number(),
  rope: v.strictObject({ theta: v.number(), scaling: v.null() }),
  maxPositions: COUNT,
  tiedHead: v.boolean(),
  bosId: COUNT,
  eosIds: v.array(COUNT),
});

/**
 * Schema of the settings of experiments in the world of reviews. A draw is the
 * seed of π_ref; each seed draws pairs, labels, order and samples anew. A level
 * may have a `flip`: the share of labels that are turned; `passes` over the
 * pairs; and `pairs`: how many times as many there are. Steps grow with both.
 */
export const REVIEWS_SETTINGS = v.strictObject({
  ...GRID,
  referenceModel: v.strictObject({
    config: DECODER,
    steps: COUNT,
    batch: COUNT,
    learningRate: v.number(),
    warmup: COUNT,
    weightDecay: v.number(),
    beta2: v.number(),
    /** Reviews that its likelihood is measured on. */
    heldOut: COUNT,
  }),
  preferences: v.strictObject({
    pairsPerPrompt: COUNT,
    heldOutPerPrompt: COUNT,
    /** Of Bradley–Terry, in units of reward. */
    temperature: v.number(),
  }),
  training: v.strictObject({
    steps: COUNT,
    /** Pairs; twice as many completions for losses of single ones. */
    batch: COUNT,
    schedule: v.picklist(SCHEDULES),
    warmup: COUNT,
    maxGradNorm: v.number(),
  }),
  evaluation: v.strictObject({
    /** Steps after which a policy is sampled from; the last comes last. */
    steps: v.array(COUNT),
    samplesPerPrompt: COUNT,
    maxNewTokens: COUNT,
  }),
  attainable: v.strictObject({
    seed: COUNT,
    samplesPerPrompt: COUNT,
    /** The β of each point of the curve. The figure marks those of DPO. */
    betas: v.array(v.number()),
    minimumEffectiveSamples: v.number(),
  }),
});

export type ReviewsSettings = Readonly<
  v.InferOutput<typeof REVIEWS_SETTINGS>
>;

const [BOS_ID, EOS_ID] = [encode(BOS)[0]!, encode(EOS)[0]!];

/** The world, without the runs in it. */
export const WORLD: Omit<ReviewsSettings, keyof GridSettings> = {
  referenceModel: {
    config: {
      vocabSize: VOCABULARY.length,
      // 0.2 M parameters: a step on 32 pairs takes about 30 ms on one thread.
      hiddenSize: 96,
      intermediateSize: 256,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 24,
      normEpsilon: 1e-5,
      // The usual 10,000 is for texts far longer than 60 tokens.
      rope: { theta: 100, scaling: null },
      maxPositions: 64,
      // With a tied head it learns later to agree moods over clauses.
      tiedHead: false,
      bosId: BOS_ID,
      eosIds: [EOS_ID],
    },
    // Until nine samples of ten are well-formed.
    steps: 3000,
    // Many small steps learn that agreement sooner than few large ones.
    batch: 16,
    // These three by trial, for three seeds of the weights.
    learningRate: 2e-3,
    weightDecay: 0.3,
    beta2: 0.98,
    warmup: 20,
    heldOut: 1000,
  },
  preferences: {
    // 3,078 pairs, the size of the data sets that small models are aligned on.
    pairsPerPrompt: 171,
    heldOutPerPrompt: 20,
    // At temperature 1 DPO's β is that of the attainable frontier.
    temperature: 1,
  },
  training: {
    // One pass over the pairs.
    steps: 96,
    batch: 32,
    schedule: "linear",
    // With half of it the first steps throw some runs far off.
    warmup: 16,
    maxGradNorm: 1,
  },
  evaluation: {
    steps: [12, 24, 48, 96],
    // 432 samples: the standard error of their mean reward is 0.09 at most.
    samplesPerPrompt: 24,
    // Twice the longest review, so that endless text is seen to be endless.
    maxNewTokens: 48,
  },
  attainable: {
    seed: 0,
    samplesPerPrompt: 1000,
    betas: [
      ...[20, 10, 5, 4, 3, 2.5, 2, 1.7, 1.4, 1.2, 1, 0.85, 0.7, 0.6, 0.5],
      ...[0.42, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1],
    ],
    minimumEffectiveSamples: 10,
  },
};

/** An evaluation at the end of training alone. */
export function atEnd(
  { steps, ...evaluation }: ReviewsSettings["evaluation"],
): ReviewsSettings["evaluation"] {
  return { ...evaluation, steps: steps.slice(-1) };
}

/** A small world, for a look at the whole in seconds. The results mean little. */
export const QUICK_WORLD: typeof WORLD = {
  ...WORLD,
  referenceModel: { ...WORLD.referenceModel, steps: 600 },
  preferences: { ...WORLD.preferences, pairsPerPrompt: 40 },
  training: { ...WORLD.training, steps: 20, warmup: 2 },
  evaluation: { ...WORLD.evaluation, steps: [5, 10, 20], samplesPerPrompt: 8 },
  attainable: { ...WORLD.attainable, samplesPerPrompt: 200 },
};
