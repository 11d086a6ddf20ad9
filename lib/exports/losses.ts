/**
 * Losses: those there are, how to declare another, and its value and gradient
 * on numbers.
 *
 * @module
 */
export {
  type ChoiceFlag,
  type Described,
  type NumberFlag,
  type ToggleFlag,
  type Valued,
  type ValueOf,
} from "../cli/flag.ts";
export { checkGradient } from "../loss_tools/check.ts";
export { type ChosenLoss } from "../loss_tools/choose.ts";
export {
  type GivenCompletion,
  type GivenExample,
  type LossGraphOptions,
  type LossRun,
  runLoss,
} from "../loss_tools/evaluate.ts";
export { combine } from "../losses/combine.ts";
export {
  type CompletionBatch,
  type LabelBatch,
  type PairBatch,
  type RankBatch,
  type Sequences,
} from "../losses/batch.ts";
export {
  type BatchStatistics,
  type Combination,
  completionLoss,
  labelLoss,
  type Loss,
  type LossOf,
  type LossState,
  type LossTerms,
  pairLoss,
  type PlainLoss,
  rankLoss,
  type WeightedLoss,
} from "../losses/loss.ts";
export {
  beta,
  type ChoiceOption,
  type Known,
  labelSmoothing,
  type LossOption,
  type LossOptions,
  type LossOptionTerm,
  type LossOptionTerms,
  type LossOptionValue,
  type LossOptionValues,
  type NumberOption,
  type Optioned,
  resolveOptions,
  type ToggleOption,
} from "../losses/options.ts";
export { findLoss, LOSSES } from "../losses/registry.ts";
export { logRatio } from "../losses/sequences.ts";
