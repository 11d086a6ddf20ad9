/**
 * Temporary files and folders, named `NAME.MACHINE-PID-RANDOM.tmp`. They go when
 * their writer is done, or when a signal ends the process; those of a process
 * that was killed are found by their names and removed by the next writer.
 */
import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { exists, namesIn } from "./missing.ts";

const ENDING = /\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp\b/g;
const NAME = RegExp(`${ENDING.source}$`);

/** Milliseconds without a write after which another machine's file is left over. */
const DEAD = 24 * 3_600_000;

/** Milliseconds in which the system has done what it was asked to. */
const IN_FLIGHT = 50;

/** Undoes what is unfinished, by its path or another name. */
const UNFINISHED = new Map<string, () => void>();

/** A path beside another, which is gone at the end of the scope. */
export interface Temporary extends Disposable {
  readonly path: string;
}

/** A new name beside a path, under which nothing is yet. */
export function temporaryBeside(path: string): Temporary {
  const random = crypto.randomUUID().slice(0, 8);
  return unfinished(
    `${resolve(path)}.${machine()}-${Deno.pid}-${random}.tmp`,
    (temporary) => Deno.removeSync(temporary, { recursive: true }),
  );
}

/** A text about temporary paths, with the names that they are to get. */
export function withoutTemporary(text: string): string {
  return text.replaceAll(ENDING, "");
}

/** A new folder in another. @default the system's folder for temporary files */
export async function temporaryFolder(
  { dir = tmpdir(), name = "prefgrad" }: { dir?: string; name?: string } = {},
): Promise<Temporary> {
  await removeAbandoned(dir);
  const folder = temporaryBeside(join(dir, name));
  await Deno.mkdir(folder.path, { mode: 0o700 });
  return folder;
}

/**
 * Makes a folder, so that a program fails early where it cannot write. The
 * folders that were missing are removed at the end of the scope if they are
 * still empty.
 */
export async function makeFolder(path: string): Promise<Disposable> {
  const missing: string[] = [];
  for (let at = resolve(path); !await exists(at); at = dirname(at)) {
    missing.unshift(at);
  }
  const made = missing.map((at) =>
    unfinished(at, (folder) => Deno.removeSync(folder))
  );
  const dispose = () => made.toReversed().forEach((it) => it[Symbol.dispose]());
  try {
    await Deno.mkdir(path, { recursive: true });
    return { [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Undoes what is unfinished, as the process ends in the middle. */
export function undoUnfinished(): void {
  // Folders stand before those inside them, and files before who writes them.
  const all = [...UNFINISHED.values()].reverse();
  for (const undo of all) undo();
  if (all.length === 0) return;
  // The system may just be making a file, in another thread.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, IN_FLIGHT);
  for (const undo of all) undo();
}

/**
 * Removes the temporary files and folders in a folder whose process is gone;
 * those that another machine wrote once they are a day old.
 */
export async function removeAbandoned(folder: string): Promise<void> {
  // One that cannot be read may still be written.
  for (const name of await namesIn(folder).catch(() => [])) {
    const path = join(resolve(folder), name);
    if (!await isAbandoned(path)) continue;
    // They may be another user's, or another process removes them, too.
    await Deno.remove(path, { recursive: true }).catch(() => {});
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const [, place, pid] = path.match(NAME) ?? [];
  if (place === undefined) return false;
  if (place !== machine()) return Date.now() - await lastWrite(path) > DEAD;
  // Numbers are used again, in containers at once.
  return Number(pid) === Deno.pid
    ? !UNFINISHED.has(path)
    : !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be asked.
    return !(error instanceof Error && "code" in error &&
      error.code === "ESRCH");
  }
}

/** The time of the last write to a file, or to anything in a folder. */
async function lastWrite(path: string): Promise<number> {
  const below = await readdir(path, { recursive: true }).catch(() => []);
  const times = ["", ...below].map((name) =>
    Deno.lstat(join(path, name)).then(({ mtime }) => Number(mtime), () => 0)
  );
  return Math.max(...await Promise.all(times));
}

let known: string | undefined;

/** Where process numbers mean the same processes: a host, or a container on it. */
function machine(): string {
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(hostname() + pidNamespace());
  return known = hash.digest("hex").slice(0, 8);
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return ""; // Not Linux.
  }
}

function unfinished(path: string, remove: (path: string) => void): Temporary {
  return { path, ...untilDone(path, () => remove(path)) };
}

/** Undoes something at the end of the scope, or when a signal ends the process. */
export function untilDone(name: string, undo: () => void): Disposable {
  const undoing = () => {
    try {
      undo();
    } catch {
      // It is not there, or holds what was finished.
    }
  };
  UNFINISHED.set(name, undoing);
  return {
    [Symbol.dispose]: () => {
      UNFINISHED.delete(name);
      undoing();
    },
  };
}
