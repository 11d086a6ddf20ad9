import { join, resolve } from "node:path";
import { reasonOf } from "./values.ts";

/**
 * Writes a text to `path`, all at once.
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
 * Lets `write` work on a temporary path beside `path`, then moves the result
 * there, so that nothing half-written is ever seen under `path`.
 *
 * @throws {Error} naming `path` when it cannot be written, with the cause; an
 * older file is untouched and the temporary one gone.
 */
export async function writeAtomically(
  path: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  try {
    await write(temporary);
    await Deno.rename(temporary, target);
  } catch (cause) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    const reason = reasonOf(cause).replaceAll(temporary, target);
    // A file of a folder has said what it was about in words of its own.
    const root = cause instanceof Error && cause.cause || cause;
    throw new Error(`Cannot write ${path}: ${reason}`, { cause: root });
  }
}

/** What is read, or null where there is nothing. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (absent) return null;
    throw error;
  }
}

/** Writes something at the path it is given. */
export type Writer = (path: string) => Promise<void>;

/**
 * Writes a folder of files at once. A folder that is already there is replaced
 * only if it holds nothing but files of the same names.
 *
 * @param folder where; its parent must exist.
 * @param files name of each file → what writes it.
 * @throws Error where another file would be lost, before anything is written.
 */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, Writer>,
): Promise<void> {
  const other = (await namesIn(folder)).find((name) => !files.has(name));
  if (other !== undefined) {
    throw new Error(
      `Cannot write folder ${folder}: it holds "${other}", which would be ` +
        `lost; expected a new or empty folder, or one written before`,
    );
  }
  await writeAtomically(folder, async (temporary) => {
    await Deno.mkdir(temporary);
    for (const [name, write] of files) await write(join(temporary, name));
    // A folder cannot be renamed onto one that is not empty.
    await removeIfPresent(folder);
  });
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.map((entry) => entry.name);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw new Error(`Cannot write folder ${folder}: it is not a folder`, {
      cause,
    });
  }
}

async function removeIfPresent(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
