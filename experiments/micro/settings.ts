import { GRID } from "lib/experiment/grid.ts";
import { COUNT } from "lib/record/check_json.ts";
import { SCHEDULES } from "lib/train/schedule.ts";
import * as v from "valibot";
import tuning from "./tuning.json" with { type: "json" };

/** Schema of all that decides a number. A draw is the seed of π_ref. */
export const MICRO_SETTINGS = v.strictObject({
  ...GRID,
  referenceModel: v.strictObject({
    hiddenSize: COUNT,
    intermediateSize: COUNT,
    layers: COUNT,
    heads: COUNT,
    steps: COUNT,
    /** Answers of the grammar, each seen once. */
    batch: COUNT,
    learningRate: v.number(),
    warmup: COUNT,
  }),
  /** Pairs of π_ref's answers. */
  pairs: COUNT,
  training: v.strictObject({
    steps: COUNT,
    batch: COUNT,
    schedule: v.picklist(SCHEDULES),
    warmup: COUNT,
    maxGradNorm: v.number(),
  }),
  /** Steps after which a policy is measured; the last comes last. */
  evaluation: v.array(COUNT),
  /** Whether the optimum of each run's loss is computed. */
  optima: v.boolean(),
});

export type MicroSettings = Readonly<v.InferOutput<typeof MICRO_SETTINGS>>;

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

export const FULL: MicroSettings = {
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [{}],
  methods: METHODS,
  referenceModel: {
    // 17,000 parameters.
    ...{ hiddenSize: 32, intermediateSize: 64, layers: 2, heads: 2 },
    // Until about one answer of fifty is ill-formed.
    ...{ steps: 300, batch: 32, learningRate: 4e-3, warmup: 10 },
  },
  // They leave some answers of the grammar unseen.
  pairs: 48,
  training: {
    // Sixteen passes: long enough for mass to go somewhere.
    ...{ steps: 96, batch: 8, schedule: "linear", warmup: 8, maxGradNorm: 1 },
  },
  evaluation: [6, 12, 24, 48, 96],
  optima: true,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: MicroSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ loss }) => ["dpo", "orpo", "sft"].includes(loss)),
  training: { ...FULL.training, steps: 24 },
  evaluation: [6, 12, 24],
};
