import type { GenericSchema } from "valibot";
import type { Device } from "../onnx/providers.ts";
import type { Figure } from "../plot/figure.ts";
import type { Json } from "../record/canonical_json.ts";
import type { GridPoint, GridSettings } from "./grid.ts";
import type { JobsModule } from "./jobs.ts";
import type { Outcome } from "./records.ts";
import type { ExperimentRuns } from "./summary.ts";

/** Shows how far something is, as `progress()` of `lib/cli/terminal.ts` does. */
export type Watch = (of: { title: string; total: number }) => {
  update(done: number, metrics?: Readonly<Record<string, number>>): void;
  finish(): void;
};

/** How an experiment is run; its settings say what is run. */
export interface ExperimentOptions {
  /** Folder of the results, which replace older ones when they are complete. */
  readonly out: string;
  /** Fewer and smaller runs, for a look. */
  readonly quick: boolean;
  /** How many seeds; as many as the settings have where it is `null`. */
  readonly seeds: number | null;
  /** The device that computes. */
  readonly device: Device;
  /** How many workers share the runs. Results do not depend on it. */
  readonly jobs: number;
  /** Shows progress. */
  readonly watch: Watch;
}

/** The jobs that an experiment has workers for. */
export type ExperimentJobs<Data> = {
  /**
   * Measures what all runs start from, for a record of its own; `null` where
   * there is nothing to record. Runs start from the weights whose hash the
   * record's summary has as `weights`.
   */
  reference: { input: null; output: Outcome | null };
  /** Prepares the data that all runs of a seed share. */
  prepare: { input: number; output: Data };
  run: { input: { point: GridPoint; data: Data }; output: Outcome };
};

/** What the jobs of an experiment are made from. */
export interface JobSetup<S, Shared> {
  /** Settings of the experiment. */
  readonly settings: S;
  /** The result of {@linkcode ExperimentDefinition.prepare}. */
  readonly shared: Shared;
  /** The device that computes. */
  readonly device: Device;
}

/** All that is particular to an experiment. */
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
    /** For a look at the whole in seconds. */
    readonly quick: S;
  };
  /** Computes what all workers need, such as a model that all runs start from. */
  prepare(
    settings: NoInfer<S>,
    options: Pick<ExperimentOptions, "device" | "watch">,
  ): Promise<Shared>;
  /** The module that prepares data and trains, in each worker. */
  readonly jobs: JobsModule<JobSetup<NoInfer<S>, Shared>, ExperimentJobs<Data>>;
  /** Puts the runs together; the result is `summary.json`. */
  summarize(runs: ExperimentRuns<S>): Summary;
  /** The figure of a summary. Equal summaries give equal figures. */
  figure(summary: Summary): Figure;
  /** How learning rates are chosen, unless others are taken over. */
  readonly tuning?: Tuning<S>;
}

/** How an experiment chooses the learning rate of each method. */
export interface Tuning<S> {
  /** Those of the experiment, at what is needed to tell rates apart. */
  readonly settings: S;
  /** Kept for tuning: no result is of this seed. */
  readonly seed: number;
  /** Learning rates to choose from. */
  readonly learningRates: readonly number[];
  /** Measures of the end of training that the criterion reads. */
  readonly measures: readonly string[];
  /** The criterion in words. */
  readonly criterion: string;
  /** Numbers that the criterion rests on, by name. */
  readonly constants: Readonly<Record<string, Json>>;
  /**
   * The criterion: the rate of smallest regret is chosen.
   *
   * @param ends where the method's runs at one rate ended, one for each value.
   */
  regret(ends: readonly FinalPoint[], reference: Outcome | null): number;
  /** The file that holds what was found. */
  readonly file: URL;
}

/** The end of a run: the value of its option, and some measures by name. */
export type FinalPoint = Readonly<Record<string, number>>;
