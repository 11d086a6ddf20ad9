import { GRID, type GridSettings } from "lib/experiment/grid.ts";
import { COUNT } from "lib/record/check_json.ts";
import { SCHEDULES } from "lib/train/schedule.ts";
import * as v from "valibot";

/**
 * Schema of the settings of experiments in the world of short answers. A draw
 * is the seed of π_ref; each seed draws pairs, labels and order anew.
 */
export const ANSWERS_SETTINGS = v.strictObject({
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
    /** On the CPU. @default 1 */
    threads: v.exactOptional(COUNT),
    /** Tokens computed at once. @default those of a run */
    microTokens: v.exactOptional(COUNT),
  }),
  /** Steps after which a policy is measured; the last comes last. */
  evaluation: v.array(COUNT),
  /**
   * Whether each run is set beside endless data: its loss on them, and the
   * optimum of the loss.
   */
  optima: v.boolean(),
});

export type AnswersSettings = Readonly<
  v.InferOutput<typeof ANSWERS_SETTINGS>
>;

/** The world, without the runs in it. */
export const WORLD: Omit<AnswersSettings, keyof GridSettings> = {
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
