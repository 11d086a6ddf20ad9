import { join } from "node:path";
import { writeAtomically } from "../../files/atomic.ts";
import { exists } from "../../files/missing.ts";
import { reasonOf } from "../../files/values.ts";
import {
  convertGguf,
  convertTokenizer,
  type OnBytes,
  writeConverted,
  writeTokenizer,
} from "./convert_gguf.ts";
import { type GgufFile, readGguf } from "./gguf_file.ts";

/** To be raised when the same file would become another folder. */
const VERSION = 1;

export interface GgufFolderOptions {
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Folder of all such folders. */
  readonly cache: string;
  /** The part of the model that is needed. @default all */
  readonly only?: "tokenizer" | undefined;
  readonly onBytes?: OnBytes;
}

/**
 * Converts a GGUF file, which holds a whole model with configuration, tokenizer
 * and chat template, to a Hugging Face folder. The folder is made once and kept
 * under the hash of the file, so the cache may be emptied at any time. A tokenizer
 * alone has a folder of its own, unless the whole is in the cache.
 *
 * @returns the folder.
 * @throws Error that names the file, and the part of it that is wrong or
 * unsupported.
 */
export async function ggufFolder(
  path: string,
  { sha256, cache, only, onBytes }: GgufFolderOptions,
): Promise<string> {
  const whole = join(cache, `${sha256}-${VERSION}`);
  if (await exists(whole)) return whole;
  const folder = only === undefined ? whole : `${whole}-${only}`;
  if (await exists(folder)) return folder;
  const gguf = await readGguf(path);
  const write = only === undefined ? wholeOf(gguf, onBytes) : tokenizerOf(gguf);
  await Deno.mkdir(cache, { recursive: true });
  let prefix = "";
  try {
    await writeAtomically(folder, async (temporary) => {
      prefix = join(temporary, "/");
      await Deno.mkdir(temporary);
      await write(temporary);
    });
  } catch (error) {
    // Another process was faster: the folder is the same, and may be in use.
    if (await exists(folder)) return folder;
    const cause = error instanceof Error ? error.cause : error;
    const reason = reasonOf(cause).replace(prefix, "");
    throw new Error(`Cannot convert ${path}: ${reason}`, { cause });
  }
  return folder;
}

/** Fills an empty folder. */
type Writer = (folder: string) => Promise<void>;

function wholeOf(gguf: GgufFile, onBytes?: OnBytes): Writer {
  const model = convertGguf(gguf);
  return (folder) => writeConverted(folder, model, onBytes);
}

function tokenizerOf(gguf: GgufFile): Writer {
  const tokenizer = convertTokenizer(gguf);
  return (folder) => writeTokenizer(folder, tokenizer);
}
