import { join } from "node:path";
import { writeAtomically } from "../../atomic_file.ts";
import { reasonOf } from "../../reason_of.ts";
import { convertGguf, type OnBytes, writeConverted } from "./convert_gguf.ts";
import { readGguf } from "./gguf_file.ts";

/** To be raised where the same file becomes another folder. */
const VERSION = 1;

export interface GgufFolderOptions {
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Folder of all such folders. */
  readonly cache: string;
  readonly onBytes?: OnBytes;
}

/**
 * The Hugging Face folder of a GGUF file: a single file that is a model, with
 * configuration, tokenizer and chat template. It is made once and kept under
 * the hash of the file, so the cache may be emptied at any time.
 *
 * @throws Error that names the file, and what in it is wrong or unsupported.
 */
export async function ggufFolder(
  path: string,
  { sha256, cache, onBytes }: GgufFolderOptions,
): Promise<string> {
  const folder = join(cache, `${sha256}-${VERSION}`);
  if (await exists(folder)) return folder;
  const model = convertGguf(await readGguf(path));
  await Deno.mkdir(cache, { recursive: true });
  let place = "";
  try {
    await writeAtomically(folder, async (temporary) => {
      place = join(temporary, "/");
      await Deno.mkdir(temporary);
      await writeConverted(temporary, model, onBytes);
    });
  } catch (error) {
    // Another process was faster: the folder is the same, and may be in use.
    if (await exists(folder)) return folder;
    const cause = error instanceof Error ? error.cause : error;
    const reason = reasonOf(cause).replace(place, "");
    throw new Error(`Cannot convert ${path}: ${reason}`, { cause });
  }
  return folder;
}

async function exists(folder: string): Promise<boolean> {
  return await Deno.stat(folder).then(() => true, () => false);
}
