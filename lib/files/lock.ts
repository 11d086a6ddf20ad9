import { orNull } from "./missing.ts";

/**
 * Holds a file until it is closed or the process ends, whatever ends it.
 *
 * @throws Error where another process holds it.
 */
export async function lockedFile(path: string): Promise<Deno.FsFile> {
  for (;;) {
    const file = await Deno.open(path, { create: true, write: true });
    if (!await file.tryLock(true)) {
      file.close();
      throw new Error("another run is writing there; expected another folder");
    }
    // The one before may have removed the file after it was opened here.
    const there = await orNull(Deno.stat(path));
    if (there?.ino === (await file.stat()).ino) return file;
    file.close();
  }
}
