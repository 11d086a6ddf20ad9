import { basename } from "node:path";
import type { FileProgress } from "lib/hub/progress.ts";
import { note, type Progress, progress } from "lib/cli/terminal.ts";
import type { InputHooks } from "lib/run/models.ts";

/** Shows on the terminal how far models and data are that a verb reads. */
export function inputProgress(): Required<InputHooks> {
  return {
    onFile: downloadProgress(),
    onWait: note,
    onConvert: conversionProgress(),
  };
}

/** From here on megabytes are counted, not kilobytes. */
const MEGABYTES_FROM = 10_000_000;

/** Shows how far a download or an upload is: what `onFile` is for. */
export function downloadProgress(): (file: FileProgress) => void {
  let shown: Progress | undefined;
  return ({ path, all: { bytes, total, files, whole } }) => {
    const [unit, size] = total < MEGABYTES_FROM ? ["kB", 1e3] : ["MB", 1e6];
    const done = Math.ceil(bytes / size);
    shown ??= progress({
      title: `${files === 1 ? path : `${files} files`} (${unit})`,
      total: Math.ceil(total / size),
      done,
    });
    shown.update(done, files === 1 ? {} : { done: whole });
    if (whole < files) return;
    shown.finish();
    shown = undefined;
  };
}

/** Shows how far the conversion of a GGUF file is: what `onConvert` is for. */
function conversionProgress(): (
  file: string,
  bytes: number,
  total: number,
) => void {
  let shown: Progress | undefined;
  return (file, bytes, total) => {
    shown ??= progress({
      title: `converting ${basename(file)} (MB)`,
      total: megabytes(total),
    });
    shown.update(megabytes(bytes));
    if (bytes < total) return;
    shown.finish();
    shown = undefined;
  };
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}
