import { rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { sha256, sha256File } from "lib/record/sha256.ts";
import { temporaryFolder } from "../temporary_folder.ts";

// FIPS 180-2, appendix B.
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("sha256() hashes text and bytes alike", () => {
  strictEqual(sha256("abc"), ABC);
  strictEqual(sha256(new TextEncoder().encode("abc")), ABC);
});

Deno.test("sha256File() hashes a file that comes in pieces", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "weights");
  await rejects(sha256File(path), Deno.errors.NotFound);
  const bytes = new Uint8Array(300_000).map((_, i) => i % 251);
  await Deno.writeFile(path, bytes);
  strictEqual(await sha256File(path), sha256(bytes));
});
