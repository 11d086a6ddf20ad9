import type { Device } from "../onnx/providers.ts";
import type { RunRecord } from "../record/record.ts";
import type { RecordedRun } from "../record/record.ts";

/** Shows how far something is: what `progress()` of `lib/terminal.ts` does. */
export type Watch = (of: { title: string; total: number }) => {
  update(done: number, metrics?: Readonly<Record<string, number>>): void;
  finish(): void;
};

/** How an experiment is run; what is run stands in its own settings. */
export interface ExperimentOptions {
  /** Folder of the results, which replace older ones when they are complete. */
  readonly out: string;
  /** Fewer and smaller runs, for a look. */
  readonly quick: boolean;
  /** How many seeds; as many as the settings have unless given. */
  readonly seeds: number | null;
  readonly device: Device;
  /** Threads that share the runs. Results do not depend on it. */
  readonly jobs: number;
  readonly watch: Watch;
}

/** A question, and the program that answers it. */
export interface Experiment {
  /** Its folder in `experiments` and in `results`. */
  readonly name: string;
  readonly question: string;
  /** @returns seconds by phase. */
  run(options: ExperimentOptions): Promise<Readonly<Record<string, number>>>;
  /**
   * Finds its hyperparameters again and writes them down beside its settings.
   *
   * @returns the table of what was found.
   */
  tune(
    options: Pick<ExperimentOptions, "device" | "jobs" | "watch">,
  ): Promise<Readonly<Record<string, string | number>>[]>;
  /** Makes everything anew that derives from the records in a folder. */
  rebuild(folder: string): Promise<void>;
  /** Does again what the record of a run says. */
  reproduce(
    record: RunRecord,
    options: Pick<ExperimentOptions, "watch">,
  ): Promise<RecordedRun>;
}
