import { ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { gitHash, sha256 } from "./loopback_files.ts";
import { names } from "./tiny_hub.ts";

/**
 * Holds for a repository's cache after any fault: what is called by a hash has
 * that hash, and whatever a commit shows is such a content.
 */
export async function assertSound(cache: string): Promise<void> {
  const blobs = join(cache, "blobs");
  const hashes = names(blobs).filter((name) => !name.endsWith(".incomplete"));
  for (const name of hashes) {
    const bytes = await Deno.readFile(join(blobs, name));
    strictEqual(name.length === 64 ? sha256(bytes) : gitHash(bytes), name);
  }
  if (!names(cache).includes("snapshots")) return;
  for (const commit of names(join(cache, "snapshots"))) {
    const folder = join(cache, "snapshots", commit);
    for (const name of names(folder)) {
      const link = await Deno.readLink(join(folder, name));
      ok(hashes.includes(link.replace("../../blobs/", "")), link);
    }
  }
}

/** Nothing of a commit is shown, as if it had not been pulled. */
export function assertNothingShown(cache: string): void {
  for (const name of ["snapshots", "refs"]) {
    ok(!names(cache).includes(name), name);
  }
}
