import { note, type Progress, progress, warn } from "lib/terminal.ts";
import { inputProgress } from "./download_progress.ts";
import {
  balanceWarning,
  displacementWarning,
  headline,
  trainingNotes,
} from "./training_notes.ts";
import type { RunHooks } from "./training_run.ts";

/** Shows on the terminal how a run goes: what `hooks` of a run are for. */
export function trainingDisplay(): { hooks: RunHooks; finish(): void } {
  let bar: Progress | undefined;
  let steps = { title: "", total: 0 };
  const begin = (options: Parameters<typeof progress>[0]) => {
    bar?.finish();
    bar = progress(options);
  };
  return {
    hooks: {
      ...inputProgress(),
      onPrepared: (run) => {
        steps = { title: run.inputs.loss.id, total: run.plan.batches.length };
        note(trainingNotes(run));
        const warning = balanceWarning(run);
        if (warning) warn(warning);
      },
      onReference: (done, total) => {
        if (done === 0) begin({ title: "reference", total });
        bar?.update(done);
      },
      onStep: (done, metrics) => {
        if (metrics) bar?.update(done, headline(metrics));
        else begin({ ...steps, done });
      },
      onDiagnostics: (diagnostics) => {
        bar?.finish();
        const warning = displacementWarning(diagnostics);
        if (warning) warn(warning);
      },
    },
    finish: () => bar?.finish(),
  };
}
