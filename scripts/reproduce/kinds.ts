import { findExperiment } from "experiments/all.ts";
import { interruption, progress } from "lib/cli/terminal.ts";
import type { CompareOptions } from "lib/record/compare_runs.ts";
import type { RecordedRun, RunRecord } from "lib/record/record.ts";
import { reproduceTraining, type Sources } from "lib/run/reproduce.ts";
import { relocated } from "./relocated.ts";

/** Options for a repetition. */
export interface AgainOptions {
  /** Present locations of inputs: a record names files without their folders. */
  readonly sources: Sources;
  /** Processes that share the runs. */
  readonly jobs: number;
}

/** The way to repeat runs. */
export interface Kind extends Pick<CompareOptions, "makesInputs"> {
  /** Repeats runs, in their order. */
  again(
    records: readonly RunRecord[],
    options: AgainOptions,
  ): Promise<RecordedRun[]>;
}

/** What a signal leaves of a repetition. */
export const STOPPED = "Stopped before the run was made again";

/** How runs are repeated, by the kind of their records. */
export const KINDS: Readonly<Record<string, Kind>> = {
  train: {
    again: async (records, { sources }) => {
      const again: RecordedRun[] = [];
      for (const record of records) {
        again.push(await reproduceTraining(record, { sources }));
      }
      return again;
    },
  },
  experiment: {
    makesInputs: true,
    again: async (stored, { sources, jobs }) => {
      const records = stored.map((record) => relocated(record, sources));
      const name = String(records[0]?.settings["experiment"]);
      using stop = interruption(null);
      try {
        return await findExperiment(name).repeat(records, {
          workers: Math.min(jobs, records.length),
          watch: progress,
          signal: stop.signal,
        });
      } catch (error) {
        if (!stop.requested) throw error;
        return stop.end(STOPPED);
      }
    },
  },
};
