/**
 * A training run, from settings to a folder with its record.
 *
 * @module
 */
export { type GradientOptions } from "../grad.ts";
export { type Json } from "../record/canonical_json.ts";
export { type MetricsRow } from "../record/metrics.ts";
export {
  DATA_SOURCE,
  type DataSource,
  type RecordedRun,
  RUN_RECORD,
  type RunRecord,
} from "../record/record.ts";
export {
  type DataInMemory,
  type InputsInMemory,
  type PolicyInMemory,
  type RunInputs,
  type RunModel,
  type TrainingData,
} from "../run/inputs.ts";
export { type Measures, type Measuring } from "../run/measures.ts";
export {
  type ConversionHook,
  type InputHooks,
  type ModelPlace,
} from "../run/models.ts";
export { type PreparedRun } from "../run/plan.ts";
export { run, type RunHooks, type RunOptions } from "../run/run.ts";
export {
  parseTrainSettings,
  TRAIN_SETTINGS,
  type TrainSettings,
} from "../run/settings.ts";
export { Trainers } from "../run/trainers.ts";
