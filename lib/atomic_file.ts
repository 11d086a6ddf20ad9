import { resolve } from "node:path";
import { reasonOf } from "./reason_of.ts";

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
