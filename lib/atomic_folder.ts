import { join } from "node:path";
import { writeAtomically } from "./atomic_file.ts";

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
