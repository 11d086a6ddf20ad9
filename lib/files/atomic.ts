import { join, resolve } from "node:path";
import { namesIn, orNull } from "./missing.ts";
import { reasonOf } from "./values.ts";

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
 * nobody sees a half-written file under `path`.
 *
 * @throws {Error} naming `path` if it cannot be written, with the cause; an
 * older file is then untouched, and the temporary one removed.
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
    // The error of a file inside a folder already names the file.
    const root = cause instanceof Error && cause.cause || cause;
    throw new Error(`Cannot write ${path}: ${reason}`, { cause: root });
  }
}

/** Writes a file or folder at a path. */
export type Writer = (path: string) => Promise<void>;

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
  await writeAtomically(folder, async (temporary) => {
    await Deno.mkdir(temporary);
    for (const [name, write] of files) await write(join(temporary, name));
    // A folder cannot be renamed onto one that is not empty.
    await orNull(Deno.remove(folder, { recursive: true }));
  });
}
