import { basename, dirname, join } from "node:path";
import { missingIn, NCCL } from "lib/onnx/ffi/cuda.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** Writes files in place of CUDA's libraries, each with its name as its text. */
export function writeLibraries(folder: string): void {
  for (const path of [...missingIn(folder), NCCL]) {
    Deno.mkdirSync(join(folder, dirname(path)), { recursive: true });
    Deno.writeTextFileSync(join(folder, path), basename(path));
  }
}

/** A temporary folder that looks as if CUDA were set up there. */
export function setUpFolder(): Disposable & { path: string } {
  const folder = temporaryFolder();
  writeLibraries(folder.path);
  return folder;
}
