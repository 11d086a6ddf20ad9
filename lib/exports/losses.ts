/**
 * Losses: those there are, how to declare another, its value and gradient on
 * numbers, the policy at which it is least, and the way that training takes.
 *
 * @module
 */
export {
  type ChoiceFlag,
  type Described,
  type Exclusion,
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
export { type Answer, type Comparison } from "../loss_tools/expected_loss.ts";
export {
  type FlowOptions,
  type FlowPoint,
  gradientFlow,
} from "../loss_tools/flow.ts";
export {
  type Optimum,
  optimum,
  type Population,
} from "../loss_tools/optimum.ts";
export { combine } from "../losses/combine.ts";
export {
  type Batch,
  type Prompts,
  type Ranks,
  type Sequences,
  type Tokens,
  type Totals,
} from "../losses/batch.ts";
export { type LossRow } from "../losses/batch_inputs.ts";
export {
  type Batches,
  type CompletionBatch,
  type LabelBatch,
  type PairBatch,
  type RankBatch,
} from "../losses/batches.ts";
export {
  type BatchStatistics,
  type Combination,
  type CompletionLogProbs,
  completionLoss,
  type Declared,
  type Definition,
  labelLoss,
  type LabelWeights,
  type Loss,
  type LossOf,
  type LossState,
  type LossTerms,
  pairLoss,
  type Peer,
  PEERS,
  type PlainLoss,
  type Preset,
  rankLoss,
  type Statistics,
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
export { logRatio, negLogSigmoid } from "../losses/sequences.ts";
export { type Mark } from "../plot/style.ts";
