/**
 * A training run, from settings to a folder with its record.
 *
 * @module
 */
export { type Json } from "../record/canonical_json.ts";
export { type MetricsRow } from "../record/metrics.ts";
export {
  type DataSource,
  type RecordedRun,
  type RunRecord,
} from "../record/record.ts";
export {
  type DataInMemory,
  type InputsInMemory,
  type PolicyInMemory,
} from "../run/inputs.ts";
export { type ConversionHook, type InputHooks } from "../run/models.ts";
export { run, type RunHooks, type RunOptions } from "../run/run.ts";
export {
  type GivenSettings,
  type TrainFile,
  type TrainSettings,
} from "../run/settings.ts";
export { type StepHooks } from "../run/steps.ts";
