/**
 * Experiments: a question, a grid of runs, a figure and a summary.
 *
 * @module
 */
export {
  type ExperimentDefinition,
  type ExperimentJobs,
  type ExperimentOptions,
  type ExperimentResults,
  type FinalPoint,
  type JobSetup,
  type Tuning,
  type Watch,
} from "../experiment/definition.ts";
export { type Experiment, experiment } from "../experiment/experiment.ts";
export {
  type GridPoint,
  type GridSettings,
  type Method,
} from "../experiment/grid.ts";
export {
  type Jobs,
  type JobsModule,
  type JobTable,
  type JobTypes,
} from "../experiment/jobs.ts";
export { type Outcome } from "../experiment/records.ts";
export {
  type ExperimentRuns,
  type SettingRuns,
} from "../experiment/summary.ts";
export {
  type BarTrace,
  type Figure,
  type FigureFinding,
  type Panel,
  type SampleSet,
  type SampleText,
  type ScatterTrace,
  type Table,
  type Trace,
  type Verdict,
} from "../plot/figure.ts";
