import type { GenericSchema } from "valibot";
import type { Device } from "../onnx/providers.ts";
import type { Figure } from "../plot/figure.ts";
import type { Json } from "../record/canonical_json.ts";
import type { Claim, Finding } from "./claim.ts";
import type { DataPoint, GridPoint, GridSettings, Method } from "./grid.ts";
import type { JobsModule } from "./jobs.ts";
import type { Outcome } from "./records.ts";
import type { Site } from "./site.ts";
import type { ExperimentRuns } from "./summary.ts";
import type { Watch } from "./watch.ts";

/** How jobs are run. */
export interface Execution {
  /** The device that computes. */
  readonly device: Device;
  /** Number of workers that share the jobs. Results do not depend on it. */
  readonly workers: number;
  /** Shows progress. */
  readonly watch: Watch;
  /**
   * Ends the work at once: the promise rejects with its reason. Finished runs
   * are kept. Work in this process is abandoned, not ended: end the process.
   *
   * @default none
   */
  readonly signal?: AbortSignal;
  /**
   * Machines that run the jobs in place of workers on this one.
   *
   * @default none
   * @internal
   */
  readonly site?: Site;
}

/** Options of a run of an experiment, besides its settings. */
export interface ExperimentOptions extends Execution {
  /** Folder of the results, which appear there when they are complete. */
  readonly out: string;
  /**
   * Whether they replace other results that are there. Runs among those that
   * are the same are kept.
   *
   * @default false
   */
  readonly replace?: boolean;
  /** Fewer and smaller runs, for a look. */
  readonly quick: boolean;
  /** Draws of the model that runs start from; `null` for those of the settings. */
  readonly draws: readonly number[] | null;
  /** Seeds of each draw; `null` for those of the settings. */
  readonly seeds: readonly number[] | null;
  /**
   * Losses of the settings to run; all of them if absent.
   *
   * @default null
   */
  readonly losses?: readonly string[] | null;
}

/** The end of an experiment. */
export interface ExperimentResults {
  /** The figure, with the tables of its results. */
  readonly figure: Figure;
  /** The verdict on each claim. */
  readonly findings: readonly Finding[];
  /** Seconds by phase; none where the results were there already. */
  readonly phases: Readonly<Record<string, number>>;
}

/** The jobs of an experiment, which its workers run. */
export type ExperimentJobs<Start, Data> = {
  /** Makes the model that all runs of a draw start from. */
  start: { input: number; output: Start };
  /**
   * Computes numbers that need no run, for a record of their own; `null`
   * without such a record.
   */
  exact: { input: null; output: Outcome | null };
  /**
   * Measures the model that all runs of a draw start from, for a record of its
   * own; `null` without such a record. Its summary has the hash of the model's
   * weights as `weights`.
   */
  reference: { input: { draw: number; start: Start }; output: Outcome | null };
  /** Prepares the data that all methods share. */
  prepare: { input: DataPoint & { start: Start }; output: Data };
  run: {
    input: { point: GridPoint; start: Start; data: Data };
    output: Outcome;
  };
};

/** Argument of the `createJobs` of an experiment. */
export interface JobSetup<S> {
  /** Settings of the experiment. */
  readonly settings: S;
  /** The device that computes. */
  readonly device: Device;
  /**
   * Folder in which runs may let others follow them while they last.
   *
   * @default none
   */
  readonly live?: string;
  /**
   * Folder in which a run may keep the state from which it goes on where its
   * process is cut off.
   *
   * @default none
   */
  readonly checkpoints?: string;
}

/** The parts of an experiment that are its own. */
export interface ExperimentDefinition<
  S extends GridSettings,
  Start,
  Data,
  Summary extends object,
> {
  /** Its folder in `experiments` and in `results`. */
  readonly name: string;
  /** The question that the runs answer. */
  readonly question: string;
  /**
   * Settings of the whole experiment and of a quick one, and their schema.
   *
   * @internal
   */
  readonly settings: {
    readonly schema: GenericSchema<S>;
    readonly full: S;
    /** Fewer and smaller runs, for a look. */
    readonly quick: S;
  };
  /** The module that makes models and data and trains, in each worker. */
  readonly jobs: JobsModule<JobSetup<NoInfer<S>>, ExperimentJobs<Start, Data>>;
  /** Summarizes the runs, for `summary.json`. */
  summarize(runs: ExperimentRuns<S>): Summary;
  /** The claims that the summary decides. */
  readonly claims: readonly Claim<NoInfer<Summary>>[];
  /**
   * Draws a summary. Equal summaries give equal figures. The claims and their
   * verdicts are put above the plots.
   */
  figure(
    summary: Summary,
    findings: readonly Finding[],
  ): Omit<Figure, "findings">;
  /** The choice of learning rates, if the experiment makes one. */
  readonly tuning?: Tuning<S>;
}

/** The choice of a learning rate for each method, by trial. */
export interface Tuning<S> {
  /**
   * The experiment's, with only the evaluations that the criterion reads, and
   * with draws and seeds that no result has.
   */
  readonly settings: S;
  /** Learning rates to choose from: the same for every method. */
  readonly learningRates: readonly number[];
  /** Measures at the end of training that the criterion reads. */
  readonly measures: readonly string[];
  /** The criterion in words. */
  readonly criterion: string;
  /** Numbers in the criterion, by name. */
  readonly constants: Readonly<Record<string, Json>>;
  /**
   * The criterion. The rate with the smallest median regret over draws,
   * levels and seeds is chosen.
   *
   * @param end of a run of the method at one rate.
   * @param context the method, and the records that every run is compared with.
   */
  regret(end: EndOfRun, context: RegretContext): number;
  /** The file of the trials and the chosen rates. */
  readonly file: URL;
}

/** Records beside a run that a criterion may read. */
export interface RegretContext {
  /** The method of the run. */
  readonly method: Method;
  /** Measures of the model that the run started from. */
  readonly reference: Outcome | null;
  /** Numbers that need no run. */
  readonly exact: Outcome | null;
}

/** Measures at the end of a run, by name. */
export type EndOfRun = Readonly<Record<string, number>>;
