import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { writeAtomically } from "lib/files/atomic.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("writeAtomically() replaces a file only when the new one is whole", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "weights");
  await writeAtomically(
    path,
    (temporary) => Deno.writeTextFile(temporary, "old"),
  );
  await writeAtomically(path, async (temporary) => {
    await Deno.writeTextFile(temporary, "new");
    strictEqual(await Deno.readTextFile(path), "old");
  });
  strictEqual(await Deno.readTextFile(path), "new");
  deepStrictEqual(names(folder.path), ["weights"]);
});

Deno.test("writeAtomically() leaves the older file and no other when it fails", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "weights");
  await Deno.writeTextFile(path, "old");
  const broken = writeAtomically(path, async (temporary) => {
    await Deno.writeTextFile(temporary, "half");
    throw new Error("disk full");
  });
  await rejects(broken, /Cannot write .*weights: disk full/);
  strictEqual(await Deno.readTextFile(path), "old");
  deepStrictEqual(names(folder.path), ["weights"]);
});

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}
