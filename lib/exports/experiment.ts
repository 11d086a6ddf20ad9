/**
 * Experiments: a question, a grid of runs, a figure and a summary.
 *
 * @module
 */
export {
  type Claim,
  type Finding,
  judge,
  type Source,
} from "../experiment/claim.ts";
export {
  type Check,
  drawsEvidence,
  type Evidence,
  type EvidenceOptions,
  exactDifference,
  exactEvidence,
  promptsEvidence,
  type Sample,
} from "../experiment/evidence.ts";
export {
  beyond,
  beyondEvidence,
  completeCheck,
  drawsBeyond,
  type DrawValue,
  type PairedByDraw,
  pairedByDraw,
  pairedEvidence,
  type PathPoint,
  runValues,
  valueAtKl,
  valueEvidence,
} from "../experiment/paired_draws.ts";
export {
  type EndOfRun,
  type Execution,
  type ExperimentDefinition,
  type ExperimentJobs,
  type ExperimentOptions,
  type ExperimentResults,
  type JobSetup,
  type RegretContext,
  type Tuning,
} from "../experiment/definition.ts";
export { type Experiment, experiment } from "../experiment/experiment.ts";
export {
  type DataPoint,
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
export { type Files } from "../experiment/result_files.ts";
export {
  type ExperimentRuns,
  type SettingRun,
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
export { type TuneOptions } from "../experiment/trials.ts";
export { type Watch } from "../experiment/watch.ts";
