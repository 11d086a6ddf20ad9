import { dirname } from "node:path";
import { timer, type Waiting } from "./retry.ts";

/** Milliseconds between looks at a lock that another holds. */
const LOOK = 200;

/** Options for {@linkcode lock}. */
export interface LockOptions extends Pick<Waiting, "sleep"> {
  signal?: AbortSignal;
  /** Called each time that another process is found to hold it. */
  onHeld?: () => void;
}

/**
 * Waits for the lock on a file and holds it until disposed of. It is the one
 * that Python's `filelock` takes, so that tools in Python and this one wait for
 * each other: `flock`, which ends with the process, whatever ends that. The
 * file stays, as others may wait at it.
 */
export async function lock(
  path: string,
  { signal, sleep = timer, onHeld = () => {} }: LockOptions,
): Promise<Disposable> {
  await Deno.mkdir(dirname(path), { recursive: true });
  for (;; await sleep(LOOK, signal)) {
    const file = await Deno.open(path, {
      write: true,
      create: true,
      mode: 0o664,
    });
    // On file systems without locks the worst is that two download the same.
    const held = await file.tryLock(true).catch(() => true);
    // Older tools remove a lock file as they let go of it.
    if (held && (await file.stat()).nlink !== 0) return file;
    file.close();
    if (!held) onHeld();
  }
}
