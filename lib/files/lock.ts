/**
 * Holds a file until it is closed or the process ends, whatever ends it. It is
 * made and held without giving way, so that no signal comes in between.
 *
 * @throws Error where another process holds it.
 */
export function lockedFile(path: string): Deno.FsFile {
  for (;;) {
    const file = Deno.openSync(path, { create: true, write: true });
    if (!file.tryLockSync(true)) {
      file.close();
      throw new Error("another run is writing there; expected another folder");
    }
    // The one before may have removed the file after it was opened here.
    if (inodeOf(path) === file.statSync().ino) return file;
    file.close();
  }
}

/**
 * Whether a process holds a file. For an instant this one does if none does, so
 * a process that begins right then is refused: ask seldom.
 */
export function isHeld(path: string): boolean {
  try {
    using file = Deno.openSync(path, { write: true });
    return !file.tryLockSync(false);
  } catch {
    return false; // There is no such file.
  }
}

function inodeOf(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch {
    return null; // Removed.
  }
}
