import { rejects, strictEqual } from "node:assert/strict";
import { realFile } from "lib/files/real_file.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

Deno.test("a link may lead to a file of its own folder only", async () => {
  using outer = temporaryFolder();
  const folder = `${outer.path}/model`;
  await Deno.mkdir(folder);
  for (const name of ["a", "../secret"]) {
    await Deno.writeTextFile(`${folder}/${name}`, "{}");
  }
  await Deno.symlink("a", `${folder}/inside`);
  strictEqual(await realFile(`${folder}/inside`), `${folder}/a`);
  await Deno.symlink("../secret", `${folder}/outside`);
  await rejects(
    realFile(`${folder}/outside`),
    /expected a file in the folder, found a link to .*\/secret/,
  );
  strictEqual(
    await realFile(`${folder}/outside`, outer.path),
    `${outer.path}/secret`,
  );
  // A folder whose name merely begins alike is another folder.
  await Deno.mkdir(`${outer.path}/model-2`);
  await Deno.writeTextFile(`${outer.path}/model-2/a`, "{}");
  await Deno.symlink("../model-2/a", `${folder}/beside`);
  await rejects(realFile(`${folder}/beside`), /found a link to .*model-2/);
});

Deno.test("PREFGRAD_FOLLOW_LINKS lets links lead elsewhere, except for a push", async () => {
  using outer = temporaryFolder();
  const folder = `${outer.path}/model`;
  const link = `${folder}/config.json`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${outer.path}/blob`, "{}");
  await Deno.symlink("../blob", link);
  const refused = /found a link to .*blob .*set PREFGRAD_FOLLOW_LINKS=1/;
  await rejects(realFile(link), refused);
  try {
    Deno.env.set("PREFGRAD_FOLLOW_LINKS", "0");
    await rejects(realFile(link), refused);
    Deno.env.set("PREFGRAD_FOLLOW_LINKS", "1");
    strictEqual(await realFile(link), `${outer.path}/blob`);
    await rejects(realFile(link, folder, false), /hard-link it there\)/);
  } finally {
    Deno.env.delete("PREFGRAD_FOLLOW_LINKS");
  }
});

Deno.test("in the Hub's cache links lead into the repository's blobs", async () => {
  using cache = temporaryFolder();
  const repo = `${cache.path}/models--org--name`;
  const snapshot = `${repo}/snapshots/${COMMIT}`;
  await Deno.mkdir(snapshot, { recursive: true });
  await Deno.mkdir(`${repo}/blobs`);
  await Deno.writeTextFile(`${repo}/blobs/hash`, "{}");
  await Deno.symlink("../../blobs/hash", `${snapshot}/config.json`);
  strictEqual(await realFile(`${snapshot}/config.json`), `${repo}/blobs/hash`);
  await Deno.writeTextFile(`${cache.path}/token`, "secret");
  await Deno.symlink("../../../token", `${snapshot}/merges.txt`);
  await rejects(realFile(`${snapshot}/merges.txt`), /found a link to .*token/);
});

Deno.test("a folder or a device in a file's place is refused", async () => {
  using folder = temporaryFolder();
  await Deno.mkdir(`${folder.path}/config.json`);
  await rejects(
    realFile(`${folder.path}/config.json`),
    /expected a file, found a folder/,
  );
  await rejects(realFile("/dev/zero"), /found a pipe or a device/);
  await rejects(realFile(`${folder.path}/no`), Deno.errors.NotFound);
});
