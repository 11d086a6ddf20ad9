import { createHash } from "node:crypto";

/** SHA-256 of bytes, or of a text's UTF-8, in lowercase hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** SHA-256 of a file, read in pieces: weights need not fit in memory. */
export async function sha256File(path: string | URL): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  return hash.digest("hex");
}
