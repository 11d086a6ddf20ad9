import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { namesIn } from "./missing.ts";
import {
  removeAbandoned,
  temporaryBeside,
  withoutTemporary,
} from "./temporary.ts";
import { reasonOf } from "./values.ts";

/** Writes a file or folder at a path. */
export type Writer = (path: string) => Promise<void>;

/**
 * Writes a text to `path` at once.
 *
 * @throws {Error} as {@linkcode writeAtomically}.
 */
export async function writeTextAtomically(
  path: string,
  text: string,
): Promise<void> {
  await writeAtomically(
    path,
    (temporary) => Deno.writeTextFile(temporary, text),
  );
}

/**
 * Lets `write` fill a temporary path beside `path`, then renames it, so that
 * nobody sees a half-written file or folder under `path`, whatever ends the
 * process or the machine.
 *
 * @throws {Error} naming `path` if it cannot be written, with the cause; an
 * older file is then untouched, and the temporary one removed.
 */
export async function writeAtomically(
  path: string,
  write: Writer,
): Promise<void> {
  await writeWhole(path, write).catch((cause) => {
    throw cannotWrite(path, cause);
  });
}

/**
 * The same for callers that have words of their own for errors.
 *
 * @param rename gives the temporary path its name.
 */
export async function writeWhole(
  path: string,
  write: Writer,
  rename: (from: string, to: string) => void = Deno.renameSync,
): Promise<void> {
  const folder = dirname(resolve(path));
  await removeAbandoned(folder);
  using temporary = temporaryBeside(path);
  await write(temporary.path);
  await sync(temporary.path);
  rename(temporary.path, resolve(path));
  await syncFolder(folder);
}

function cannotWrite(path: string, cause: unknown): Error {
  const reason = withoutTemporary(reasonOf(cause));
  // The error of a file inside a folder already names the file.
  const root = cause instanceof Error && cause.cause || cause;
  return new Error(`Cannot write ${path}: ${reason}`, { cause: root });
}

/** Renames a folder onto another, which has to be empty otherwise. */
function replaceFolder(from: string, to: string): void {
  if (!existsSync(to)) return Deno.renameSync(from, to);
  using older = temporaryBeside(to);
  // No signal is heard between the two.
  Deno.renameSync(to, older.path);
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    Deno.renameSync(older.path, to);
    throw error;
  }
}

/**
 * Has the system store a file, or a folder with all that it holds: it may store
 * a new name before the content, and then the machine goes down.
 */
async function sync(path: string): Promise<void> {
  const { isDirectory, isFile } = await Deno.lstat(path);
  if (isFile) {
    using file = await Deno.open(path);
    return await file.sync();
  }
  if (!isDirectory) return; // a link
  for (const name of await namesIn(path)) await sync(join(path, name));
  await syncFolder(path);
}

async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch {
    // Not every file system stores folders on demand.
  }
}

/**
 * Writes a folder of files at once. An existing folder is replaced only if all
 * its files have names among the new ones.
 *
 * @param folder its parent must exist.
 * @param files the name of each file, and its writer.
 * @throws Error if another file would be lost, before anything is written.
 */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, Writer>,
): Promise<void> {
  const names = await namesIn(folder).catch((cause) => {
    throw new Error(`Cannot write folder ${folder}: it is not a folder`, {
      cause,
    });
  });
  const other = names.find((name) => !files.has(name));
  if (other !== undefined) {
    throw new Error(
      `Cannot write folder ${folder}: it holds "${other}", which would be ` +
        `lost; expected a new or empty folder, or one written before`,
    );
  }
  const write = async (temporary: string) => {
    await Deno.mkdir(temporary);
    for (const [name, write] of files) await write(join(temporary, name));
  };
  await writeWhole(folder, write, replaceFolder).catch((cause) => {
    throw cannotWrite(folder, cause);
  });
}
