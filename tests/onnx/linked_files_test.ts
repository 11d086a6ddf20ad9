import {
  deepStrictEqual,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinkedFiles } from "lib/onnx/linked_files.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** A file system in memory, which Linux has apart from temporary files. */
const OTHER = "/dev/shm";
const isOther = existsSync(OTHER) &&
  Deno.statSync(OTHER).dev !== Deno.statSync(tmpdir()).dev;

Deno.test("files are linked, not copied, and the links go", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "weights");
  Deno.writeTextFileSync(file, "w");
  let place: string;
  {
    await using linked = await LinkedFiles.create([file, file]);
    place = linked.folder;
    const link = join(place, linked.nameOf(file));
    strictEqual(Deno.statSync(link).ino, Deno.statSync(file).ino);
    strictEqual([...Deno.readDirSync(place)].length, 1);
  }
  strictEqual(existsSync(place), false);
  strictEqual(Deno.readTextFileSync(file), "w");
});

Deno.test({
  name: "files of another file system are linked beside themselves" +
    (isOther ? "" : ` (needs ${OTHER})`),
  ignore: !isOther,
  fn: async () => {
    const folder = Deno.makeTempDirSync({ dir: OTHER });
    try {
      const file = join(folder, "weights");
      Deno.writeTextFileSync(file, "w");
      {
        await using linked = await LinkedFiles.create([file]);
        const link = join(linked.folder, linked.nameOf(file));
        strictEqual(Deno.statSync(link).ino, Deno.statSync(file).ino);
        notStrictEqual(linked.folder, folder);
      }
      const left = [...Deno.readDirSync(folder)].map(({ name }) => name);
      deepStrictEqual(left, ["weights"]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});
