import { note, type Progress, progress, warn } from "lib/cli/terminal.ts";
import {
  balanceWarning,
  displacementWarning,
  headline,
  trainingNotes,
} from "lib/run/notes.ts";
import type { RunHooks } from "lib/run/run.ts";
import { inputProgress } from "./download_progress.ts";

/** What the terminal shows of a run. */
interface TrainingDisplay {
  readonly hooks: RunHooks;
  /** Ends the display; a record may have a warning. */
  end(record: Parameters<typeof displacementWarning>[0] | undefined): void;
}

/** That of ranks whose run another one shows. */
export const SILENT: TrainingDisplay = { hooks: {}, end: () => {} };

/** Shows a run on the terminal. */
export function trainingDisplay(): TrainingDisplay {
  let bar: Progress | undefined;
  let steps = { title: "", total: 0 };
  let rewardScale = 1;
  const begin = (options: Parameters<typeof progress>[0]) => {
    bar?.finish();
    bar = progress(options);
  };
  return {
    hooks: {
      ...inputProgress(),
      onNote: note,
      onPrepared: (run, memory) => {
        steps = { title: run.inputs.loss.id, total: run.plan.batches.length };
        rewardScale = run.inputs.loss.rewardScale?.(run.inputs.options) ?? 1;
        note(trainingNotes(run, memory));
        const warning = balanceWarning(run);
        if (warning) warn(warning);
      },
      onReference: (done, total) => {
        if (done === 0) begin({ title: "reference", total });
        bar?.update(done);
      },
      onStep: (done, metrics) => {
        if (metrics) bar?.update(done, headline(metrics, rewardScale));
        else begin({ ...steps, done });
      },
    },
    end: (record) => {
      bar?.finish();
      const warning = record && displacementWarning(record);
      if (warning) warn(warning);
    },
  };
}
