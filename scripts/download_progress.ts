import type { HubOptions } from "lib/hub.ts";
import type { FileProgress } from "lib/hub/file_progress.ts";
import { type Progress, progress } from "lib/terminal.ts";

/** What a download tells as it goes on. */
export type DownloadHooks = Pick<HubOptions, "onFile" | "onWait">;

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
