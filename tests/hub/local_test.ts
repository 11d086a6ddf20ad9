import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { localData, localModel } from "lib/hub/local.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** Runs a check on a folder with these files, by path, and a file outside. */
async function withFolder(
  files: readonly string[],
  check: (folder: string, outside: string) => Promise<void>,
): Promise<void> {
  using home = temporaryFolder();
  const folder = join(home.path, "folder");
  for (const path of [...files, "../outside.jsonl"]) {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(folder, path), "{}\n");
  }
  await check(folder, join(home.path, "outside.jsonl"));
}

Deno.test("localModel() refuses a training run, and names its result", () =>
  withFolder(["run.json", "adapter/adapter_config.json"], async (folder) => {
    const adapter = join(folder, "adapter");
    strictEqual(await localModel(adapter), adapter);
    await rejects(localModel(folder), {
      message: `Cannot use "${folder}" as a model or adapter: ` +
        `it is a training run, whose result is ${adapter}`,
    });
  }));

Deno.test("localData() takes the data files of a folder in the order of their names", () =>
  withFolder(
    [
      "b.csv",
      "a.jsonl.zst",
      "more/c.parquet",
      "README.md",
      "dataset_info.json",
    ],
    async (folder) => {
      const wanted = ["a.jsonl.zst", "b.csv", "more/c.parquet"];
      deepStrictEqual(
        await localData(folder),
        wanted.map((path) => join(folder, path)),
      );
    },
  ));

Deno.test("localData() refuses a folder without data", () =>
  withFolder(["README.md"], async (folder) => {
    await rejects(
      localData(folder),
      /^Error: Cannot find data in ".*\/folder": expected \.json, .* it has README\.md$/,
    );
  }));

Deno.test("localData() refuses a link that leads out of the folder", () =>
  withFolder(["a.jsonl"], async (folder, outside) => {
    const link = join(folder, "b.jsonl");
    await Deno.symlink(join(folder, "a.jsonl"), link);
    deepStrictEqual(await localData(folder), [join(folder, "a.jsonl"), link]);
    await Deno.remove(link);
    await Deno.symlink("../outside.jsonl", link);
    const target = await Deno.realPath(outside);
    await rejects(localData(folder), {
      message: `Cannot use "${link}": expected a file in the folder, ` +
        `found a link to ${target} (copy or hard-link it there, or set PREFGRAD_FOLLOW_LINKS=1 if you trust the folder's links)`,
    });
    // Whoever names the file itself means it.
    deepStrictEqual(await localData(link), [link]);
  }));

Deno.test("localData() follows the links of the Hub's cache to its blobs", () =>
  withFolder(["blobs/hash"], async (folder) => {
    const snapshot = join(folder, "snapshots", "0".repeat(40));
    await Deno.mkdir(join(snapshot, "data"), { recursive: true });
    const link = join(snapshot, "data", "train.jsonl");
    await Deno.symlink("../../../blobs/hash", link);
    deepStrictEqual(await localData(snapshot), [link]);
    deepStrictEqual(await localData(join(snapshot, "data")), [link]);
    await Deno.remove(link);
    await Deno.symlink("../../../../outside.jsonl", link);
    await rejects(localData(snapshot), /found a link to /);
  }));
