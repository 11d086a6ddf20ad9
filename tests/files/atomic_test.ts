import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { writeAtomically, writeFolder } from "lib/files/atomic.ts";
import { withFolder } from "../models/tiny_model.ts";
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

const put = (text: string) => (path: string) => Deno.writeTextFile(path, text);

Deno.test("a folder is replaced whole, or not at all", () =>
  withFolder(async (folder) => {
    const out = `${folder}/out/`;
    await writeFolder(out, new Map([["a", put("1")], ["b", put("1")]]));
    await writeFolder(out, new Map([["a", put("2")], ["b", put("2")]]));
    deepStrictEqual(await contents(out), { a: "2", b: "2" });
    const failing = () => Promise.reject(new Error("no"));
    await rejects(
      writeFolder(out, new Map([["a", put("3")], ["b", failing]])),
      /Cannot write .*out\/: no/,
    );
    deepStrictEqual(await contents(out), { a: "2", b: "2" });
    strictEqual((await Array.fromAsync(Deno.readDir(folder))).length, 1);
  }));

Deno.test("a folder with other files is left alone", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/thesis.txt`, "mine");
    const files = new Map([["a", put("1")]]);
    await rejects(writeFolder(folder, files), /it holds "thesis.txt"/);
    await rejects(
      writeFolder(`${folder}/thesis.txt`, files),
      /thesis.txt: it is not a folder/,
    );
    deepStrictEqual(await contents(folder), { "thesis.txt": "mine" });
  }));

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}

async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    found[name] = await Deno.readTextFile(`${folder}/${name}`);
  }
  return found;
}
