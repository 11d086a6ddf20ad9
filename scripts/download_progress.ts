import type { FileProgress } from "lib/hub.ts";
import { type Progress, progress } from "lib/terminal.ts";

/** Shows each file as it arrives: what `onFile` of `lib/hub.ts` is for. */
export function downloadProgress(): (file: FileProgress) => void {
  let shown: Progress | undefined;
  return ({ path, bytes, total }) => {
    if (bytes === 0) {
      shown = progress({ title: `${path} (kB)`, total: kilobytes(total) });
    }
    shown?.update(kilobytes(bytes));
    if (bytes === total) shown?.finish();
  };
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1000);
}
