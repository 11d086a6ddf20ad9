import type { RecordedRun, RunRecord } from "../record/record.ts";
import { bibtex, commitsOf } from "./citation.ts";
import type {
  Execution,
  ExperimentDefinition,
  ExperimentOptions,
  ExperimentResults,
} from "./definition.ts";
import type { GridSettings } from "./grid.ts";
import { orderOf } from "./plan.ts";
import { repeatRuns } from "./repeat_runs.ts";
import type { Files } from "./result_files.ts";
import {
  compareDraws,
  filesOf,
  rebuild,
  runExperiment,
} from "./run_experiment.ts";
import type { Order } from "./site.ts";
import type { TuneOptions } from "./trials.ts";
import { tune } from "./tune.ts";

/** An experiment, as programs use it. */
export interface Experiment {
  /** Its folder in `experiments` and in `results`. */
  readonly name: string;
  /** The question that the runs answer. */
  readonly question: string;
  /**
   * Runs everything and writes the results, or goes on where a process with the
   * same options ended.
   */
  run(options: ExperimentOptions): Promise<ExperimentResults>;
  /**
   * The order that {@linkcode Experiment.run} would give to a site. Nothing is
   * written.
   *
   * @internal
   */
  order(options: ExperimentOptions): Promise<Order>;
  /**
   * Chooses the learning rates again and writes them beside the settings.
   *
   * @returns a table with a row for each method.
   * @throws Error where the experiment tunes nothing.
   */
  tune(
    options: TuneOptions,
  ): Promise<Readonly<Record<string, string | number>>[]>;
  /** The files that follow from the records in a folder, as they should be. */
  files(folder: string): Promise<Files>;
  /** Writes summary and figure anew from the records in a folder. */
  rebuild(folder: string): Promise<void>;
  /**
   * Records the verdicts of other draws beside those of the results in a
   * folder, as `repeat.json` and `repeat.md`.
   *
   * @param other folder of the results of the other draws.
   * @throws Error where they are not of the same experiment on other draws.
   */
  compareDraws(folder: string, other: string): Promise<void>;
  /**
   * Does the work again that records describe, and what they share once.
   *
   * @returns the repetitions in the order of the records.
   */
  repeat(
    records: readonly RunRecord[],
    execution: Omit<Execution, "device">,
  ): Promise<RecordedRun[]>;
  /** BibTeX for a paper that uses the results in a folder. */
  cite(folder: string): Promise<string>;
}

/** Makes an experiment from its definition. */
export function experiment<
  S extends GridSettings,
  Start,
  Data,
  Summary extends object,
>(
  definition: ExperimentDefinition<S, Start, Data, Summary>,
): Experiment {
  const { name, question } = definition;
  return {
    name,
    question,
    run: (options) => runExperiment(definition, options),
    order: (options) => orderOf(definition, options),
    tune: (options) => tune(definition, options),
    files: (folder) => filesOf(definition, folder),
    rebuild: async (folder) => void await rebuild(definition, folder),
    compareDraws: (folder, other) =>
      compareDraws(definition, { folder, other }),
    repeat: (records, execution) => repeatRuns(definition, records, execution),
    cite: async (folder) =>
      bibtex({
        experiment: name,
        sources: definition.claims.map(({ source }) => source),
        commits: await commitsOf(folder),
      }),
  };
}
