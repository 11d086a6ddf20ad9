/**
 * The training step and the loop over steps.
 *
 * @module
 */
export {
  type AdamOptions,
  adamW,
  addDecayedWeights,
  chain,
  clip,
  type Draft,
  isMatrix,
  type Link,
  type LinkInputs,
  lion,
  type LionOptions,
  type Optimizer,
  type PerStep,
  scaleByAdam,
  scaleByLearningRate,
  scaleByLion,
  sgd,
  type StepOptions as OptimizerStep,
  trace,
} from "../optim.ts";
export {
  type DeviceArray,
  type Group,
  GroupError,
} from "../distributed/group.ts";
export { type Identity } from "../train/checkpoints.ts";
export { type EvaluationOptions } from "../train/evaluation.ts";
export {
  type StepMetrics,
  train,
  type TrainingHooks,
  type TrainingPlan,
} from "../train/loop.ts";
export { type BatchOptions, type BatchResult } from "../train/micro_batches.ts";
export {
  type ComputeLogProbs,
  MovingReference,
  type Reference,
} from "../train/reference.ts";
export {
  ForwardPass,
  type LogProbOptions,
  type LogProbOrTokens,
} from "../train/forward_pass.ts";
export { type Stop, Stopped } from "../train/stop.ts";
export {
  type Snapshot,
  type UpdateOptions,
  type Values,
} from "../train/trained_parameters.ts";
export { type LossScaleState } from "../train/loss_scale.ts";
export { type Precision } from "../onnx/providers.ts";
export { type Schedule, SCHEDULES } from "../train/schedule.ts";
export {
  type StepOptions,
  type StepResult,
  Trainer,
} from "../train/trainer.ts";
export { type TrainerOptions } from "../train/trainer_options.ts";
