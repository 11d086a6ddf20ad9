import { Buffer } from "node:buffer";
import { deserialize, serialize } from "node:v8";
import { writeAtomically } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import { sha256 } from "../record/sha256.ts";

/** Bytes of a SHA-256 in hexadecimal, with which the file begins. */
const HASH = 64;

/**
 * A value that a file keeps for the next process: read from there if it is
 * sound, or made and written. A value that cannot be cloned is made each time.
 *
 * @param make must give equal values each time, as the file tells no origin.
 */
export async function keptValue<T>(
  path: string,
  make: () => Promise<T>,
): Promise<T> {
  const bytes = await orNull(Deno.readFile(path));
  const content = bytes?.subarray(HASH);
  const head = new TextDecoder().decode(bytes?.subarray(0, HASH));
  if (content && head === sha256(content)) return deserialize(content);
  const value = await make();
  const made = clone(value);
  if (!made) return value;
  await writeAtomically(
    path,
    (temporary) =>
      Deno.writeFile(
        temporary,
        Buffer.concat([Buffer.from(sha256(made)), made]),
      ),
  );
  return value;
}

function clone(value: unknown): Uint8Array | null {
  try {
    return serialize(value);
  } catch {
    return null;
  }
}
