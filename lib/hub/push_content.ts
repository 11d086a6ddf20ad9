import { createHash } from "node:crypto";
import { gitHasher } from "./tree.ts";

/** A content, or the `file:` URL of one: what `@huggingface/hub` takes. */
export type PushContent = Blob | URL;

/** What tells one content from another. */
export interface Fingerprint {
  readonly size: number;
  readonly sha256: string;
  /** What git calls it. */
  readonly git: string;
}

/** Reads a content once, in pieces. */
export async function fingerprint(content: PushContent): Promise<Fingerprint> {
  const { size } = content instanceof URL ? await Deno.stat(content) : content;
  const sha256 = createHash("sha256");
  const git = gitHasher(size);
  const pieces = content instanceof URL
    ? (await Deno.open(content)).readable
    : content.stream();
  for await (const piece of pieces) {
    sha256.update(piece);
    git.update(piece);
  }
  return { size, sha256: sha256.digest("hex"), git: git.digest("hex") };
}
