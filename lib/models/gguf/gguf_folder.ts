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

/** To be raised where the same file becomes another folder. */
const VERSION = 1;

/** Milliseconds without a write after which a conversion has been broken off. */
const DEAD = 3_600_000;

export interface GgufFolderOptions {
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Folder of all such folders. */
  readonly cache: string;
  /** What of the model is needed; all that runs it unless given. */
  readonly only?: "tokenizer" | undefined;
  readonly onBytes?: OnBytes;
}

/**
 * The Hugging Face folder of a GGUF file: a single file that is a model, with
 * configuration, tokenizer and chat template. It is made once and kept under
 * the hash of the file, so the cache may be emptied at any time. A tokenizer
 * alone has a folder of its own, unless the whole is there.
 *
 * @throws Error that names the file, and what in it is wrong or unsupported.
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
  await removeDead(cache);
  let place = "";
  try {
    await writeAtomically(folder, async (temporary) => {
      place = join(temporary, "/");
      await Deno.mkdir(temporary);
      await write(temporary);
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

/** Removes what conversions have left whose process was ended. */
async function removeDead(cache: string): Promise<void> {
  for await (const { name } of Deno.readDir(cache)) {
    if (!name.endsWith(".tmp")) continue;
    const folder = join(cache, name);
    // The weights come last, and take the time.
    const weights = await timeOf(join(folder, "model.safetensors"));
    const last = Math.max(weights, await timeOf(folder));
    if (Date.now() - last < DEAD) continue;
    // Another process may remove the same.
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

/** When it was written, 0 where it is not there. */
async function timeOf(path: string): Promise<number> {
  return await Deno.stat(path).then(({ mtime }) => Number(mtime), () => 0);
}
