import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { exists } from "lib/files/missing.ts";
import {
  makeFolder,
  removeAbandoned,
  temporaryBeside,
  temporaryFolder as ourTemporaryFolder,
} from "lib/files/temporary.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { leftover } from "./leftover.ts";

const names = (folder: string) =>
  Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();

Deno.test("the next writer removes what a killed process left, and nothing else", async () => {
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const dead = await leftover(at("rows.jsonl"));
  await Deno.writeTextFile(dead, "half");
  const deadFolder = await leftover(at("model"));
  await Deno.mkdir(join(deadFolder, "adapter"), { recursive: true });
  using alive = temporaryBeside(at("rows.jsonl"));
  await Deno.writeTextFile(alive.path, "being written");
  const parent = dead.replace(/-\d+-/, `-${Deno.ppid}-`);
  const elsewhere = dead.replace(/\.[0-9a-f]{8}-/, ".00000000-");
  const theirs = [parent, elsewhere, at("notes.tmp"), at("a.1-2-3.tmp")];
  for (const path of theirs) await Deno.writeTextFile(path, "theirs");

  await writeTextAtomically(at("other.json"), "{}");
  const left = [alive.path, ...theirs].map((path) => path.split("/").at(-1)!);
  deepStrictEqual(names(folder.path), [...left, "other.json"].sort());
});

Deno.test("a number of this process from an earlier one is no sign of life", async () => {
  using folder = temporaryFolder();
  const dead = await leftover(join(folder.path, "rows.jsonl"));
  const ours = dead.replace(/-\d+-/, `-${Deno.pid}-`);
  await Deno.writeTextFile(ours, "half");
  await removeAbandoned(folder.path);
  deepStrictEqual(names(folder.path), []);
});

Deno.test("another machine's files are left over a day after the last write", async () => {
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const old = new Date(Date.now() - 25 * 3_600_000);
  const [dead, writing] = ["dead", "writing"]
    .map((name) => at(`${name}.00000000-1-00000000.tmp`)) as [string, string];
  for (const path of [dead, writing]) {
    await Deno.mkdir(path);
    await Deno.writeTextFile(join(path, "weights"), "");
    await Deno.utime(join(path, "weights"), old, old);
    await Deno.utime(path, old, old);
  }
  const now = new Date();
  await Deno.utime(join(writing, "weights"), now, now);
  await removeAbandoned(folder.path);
  deepStrictEqual(names(folder.path), [writing.split("/").at(-1)]);
});

Deno.test("folders that were made and stay empty are removed", async () => {
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  {
    using _ = await makeFolder(at("a/b/c"));
    using _used = await makeFolder(at("used/d"));
    await Deno.writeTextFile(at("used/file"), "");
    ok(await exists(at("a/b/c")));
  }
  deepStrictEqual(names(folder.path), ["used"]);
  deepStrictEqual(names(at("used")), ["file"]);
  await rejects(makeFolder(at("used/file/e/f")));
  deepStrictEqual(names(at("used")), ["file"]);
});

Deno.test("a temporary folder is nobody else's, and gone after its scope", async () => {
  using folder = temporaryFolder();
  {
    using ours = await ourTemporaryFolder({ dir: folder.path });
    strictEqual((await Deno.stat(ours.path)).mode! & 0o777, 0o700);
    await Deno.writeTextFile(join(ours.path, "file"), "");
  }
  deepStrictEqual(names(folder.path), []);
});
