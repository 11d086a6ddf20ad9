import * as v from "valibot";
import { GRID } from "lib/experiment/grid.ts";
import { COUNT } from "lib/record/check_json.ts";
import { TRAIN_SETTINGS } from "lib/run/settings.ts";

/** The settings of training that all runs of a comparison share. */
const SHARED = v.omit(TRAIN_SETTINGS, [
  "loss",
  "options",
  "learningRate",
  "seed",
]);

/** Schema of a judge of answers: a command line, or a classifier in ONNX. */
const JUDGE = v.union([
  v.strictObject({ command: v.string() }),
  v.strictObject({ rewardModel: v.string() }),
]);

/**
 * Schema of the settings of a comparison: methods that train one model on the
 * same preferences. There is one draw, the model as it is; a seed draws the
 * order of the rows, a new adapter's weights, and samples. A level may have an
 * `lr`, in place of the method's own rate.
 */
export const COMPARISON_SETTINGS = v.strictObject({
  ...GRID,
  /** As `train` has them. Methods of single answers take twice the batch. */
  train: SHARED,
  /** SHA-256 of the contents of what they name: others make other runs. */
  contents: v.strictObject({
    model: v.string(),
    data: v.string(),
    evalData: v.nullable(v.string()),
    controlText: v.nullable(v.string()),
    /** Of a reward model's files, or of those that a judge's command names. */
    judge: v.exactOptional(v.string()),
    choices: v.exactOptional(v.string()),
  }),
  heldOut: v.strictObject({
    /** Share of the prompts; unused where there are data for evaluation. */
    share: v.number(),
    /** Draws other prompts. Absent for the first draw. */
    seed: v.exactOptional(COUNT),
    /** Most pairs, of as many prompts as there are. */
    pairs: COUNT,
    /**
     * Whether prompts of the part to train on are held out instead, to choose
     * rates by: those of the comparison stay unseen.
     */
    isDev: v.boolean(),
  }),
  evaluation: v.strictObject({
    /** Evaluations of a run after its start, at equal distances. */
    times: COUNT,
    /** Prompts that are answered at the end, once each. */
    prompts: COUNT,
    maxNewTokens: COUNT,
    /** Prompts whose unrelated and repeated answers are followed. */
    probes: COUNT,
    /** File of a text whose perplexity is measured. */
    controlText: v.nullable(v.string()),
    /** Absent where nobody scores the answers. */
    judge: v.exactOptional(JUDGE),
    /** Questions with answers to choose from; see {@linkcode readChoices}. */
    choices: v.exactOptional(v.string()),
  }),
});

/** Settings of a comparison. */
export type ComparisonSettings = Readonly<
  v.InferOutput<typeof COMPARISON_SETTINGS>
>;
