import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { exists, namesIn, orNull } from "lib/files/missing.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("orNull() gives null for a missing file and keeps other errors", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a");
  strictEqual(await orNull(Deno.readTextFile(path)), null);
  await Deno.writeTextFile(path, "text");
  strictEqual(await orNull(Deno.readTextFile(path)), "text");
  strictEqual(await orNull(Deno.readTextFile(join(path, "b"))), null);
  await rejects(orNull(Deno.readTextFile(folder.path)), /directory/);
});

Deno.test("exists() sees files, folders and links that lead nowhere", async () => {
  using folder = temporaryFolder();
  const link = join(folder.path, "link");
  strictEqual(await exists(link), false);
  await Deno.symlink("nowhere", link);
  strictEqual(await exists(link), true);
  strictEqual(await exists(folder.path), true);
});

Deno.test("namesIn() finds no names in a missing folder and refuses a file", async () => {
  using folder = temporaryFolder();
  deepStrictEqual(await namesIn(join(folder.path, "none")), []);
  await Deno.writeTextFile(join(folder.path, "a"), "");
  deepStrictEqual(await namesIn(folder.path), ["a"]);
  await rejects(namesIn(join(folder.path, "a")), Deno.errors.NotADirectory);
});
