import type { GenericSchema } from "valibot";
import type { Device } from "../onnx/providers.ts";
import type { Figure } from "../plot/figure.ts";
import type { Json } from "../record/canonical_json.ts";
import type { GridPoint, GridSettings } from "./grid.ts";
import type { JobsModule } from "./jobs.ts";
import type { Outcome } from "./records.ts";
import type { ExperimentRuns } from "./summary.ts";

/** Shows the progress of a task, as `progress()` of `lib/cli/terminal.ts` does. */
export type Watch = (
  of: {
    title: string;
    total: number;
    /** Those of the total that an earlier process finished. */
    done?: number;
  },
) => {
  update(done: number, metrics?: Readonly<Record<string, number>>): void;
  finish(): void;
};

/** Options of a run of an experiment, besides its settings. */
export interface ExperimentOptions {
  /** Folder of the results, which appear there when they are complete. */
  readonly out: string;
  /**
   * Whether they replace other results that are there.
   *
   * @default false
   */
  readonly replace?: boolean;
  /** Fewer and smaller runs, for a look. */
  readonly quick: boolean;
  /** Number of seeds; `null` for the seeds of the settings. */
  readonly seeds: number | null;
  /** The device that computes. */
  readonly device: Device;
  /** Number of workers that share the runs. Results do not depend on it. */
  readonly jobs: number;
  /** Shows progress. */
  readonly watch: Watch;
  /**
   * Ends the work at once: the promise rejects with its reason. Finished runs
   * are kept. Work in this process is abandoned, not ended: end the process.
   *
   * @default none
   */
  readonly signal?: AbortSignal;
}

/** The end of an experiment. */
export interface ExperimentResults {
  /** The figure, with the tables of its results. */
  readonly figure: Figure;
  /** Seconds by phase; none where the results were there already. */
  readonly phases: Readonly<Record<string, number>>;
}

/** The jobs of an experiment, which its workers run. */
export type ExperimentJobs<Data> = {
  /**
   * Measures the model that all runs start from, for a record of its own;
   * `null` without such a record. Its summary has the hash of the model's
   * weights as `weights`.
   */
  reference: { input: null; output: Outcome | null };
  /** Prepares the data that all runs of a seed share. */
  prepare: { input: number; output: Data };
  run: { input: { point: GridPoint; data: Data }; output: Outcome };
};

/** Argument of the `createJobs` of an experiment. */
export interface JobSetup<S, Shared> {
  /** Settings of the experiment. */
  readonly settings: S;
  /** The result of {@linkcode ExperimentDefinition.prepare}. */
  readonly shared: Shared;
  /** The device that computes. */
  readonly device: Device;
}

/** The parts of an experiment that are its own. */
export interface ExperimentDefinition<
  S extends GridSettings,
  Shared,
  Data,
  Summary,
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
  /** Computes data that all workers need, such as the model runs start from. */
  prepare(
    settings: NoInfer<S>,
    options: Pick<ExperimentOptions, "device" | "watch">,
  ): Promise<Shared>;
  /** The module that prepares data and trains, in each worker. */
  readonly jobs: JobsModule<JobSetup<NoInfer<S>, Shared>, ExperimentJobs<Data>>;
  /** Summarizes the runs, for `summary.json`. */
  summarize(runs: ExperimentRuns<S>): Summary;
  /** Draws a summary. Equal summaries give equal figures. */
  figure(summary: Summary): Figure;
  /** The choice of learning rates, if the experiment makes one. */
  readonly tuning?: Tuning<S>;
}

/** The choice of a learning rate for each method, by trial. */
export interface Tuning<S> {
  /** The experiment's, with only the evaluations that the criterion reads. */
  readonly settings: S;
  /** Reserved for tuning: no result has this seed. */
  readonly seed: number;
  /** Learning rates to choose from. */
  readonly learningRates: readonly number[];
  /** Measures at the end of training that the criterion reads. */
  readonly measures: readonly string[];
  /** The criterion in words. */
  readonly criterion: string;
  /** Numbers in the criterion, by name. */
  readonly constants: Readonly<Record<string, Json>>;
  /**
   * The criterion. The rate with the smallest regret is chosen.
   *
   * @param ends of the runs of a method at one rate, one for each value.
   */
  regret(ends: readonly FinalPoint[], reference: Outcome | null): number;
  /** The file of the trials and the chosen rates. */
  readonly file: URL;
}

/** The end of a run: the value of its option, and some measures by name. */
export type FinalPoint = Readonly<Record<string, number>>;
