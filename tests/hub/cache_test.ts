import { rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { cachedTree, cacheError, snapshotPath } from "lib/hub/cache.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const COMMIT = "0".repeat(40);

for (
  const path of ["", "/a", "../a", "a/../../b", "./a", "a//b", "C:a", "a\\b"]
) {
  Deno.test(`"${path}" is no path of a snapshot`, () => {
    throws(() => snapshotPath("/cache", COMMIT, path), {
      message: `Cannot use ${JSON.stringify(path)} as a path in the Hub cache`,
    });
  });
}

Deno.test("snapshotPath() keeps the folders of a path", () => {
  const path = snapshotPath("/cache", COMMIT, "data/train.json");
  strictEqual(path, join("/cache/snapshots", COMMIT, "data/train.json"));
});

Deno.test("a revision cannot lead out of the cache", async () => {
  await rejects(cachedTree("/cache", "../../etc/passwd"), {
    message: 'Cannot use "../../etc/passwd" as a path in the Hub cache',
  });
});

Deno.test({
  name: "the error of a full disk names a way out",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using full = await Deno.open("/dev/full", { write: true });
    const writing = full.write(new Uint8Array(1)).catch((error) => {
      throw cacheError(error);
    });
    await rejects(writing, {
      message:
        "Cannot write the Hub cache: No space left on device (os error 28); set HF_HUB_CACHE to another folder",
    });
  },
});

Deno.test("a damaged listing is as good as none", async () => {
  using temporary = temporaryFolder();
  const folder = temporary.path;
  await Deno.mkdir(join(folder, "trees"));
  await Deno.mkdir(snapshotPath(folder, COMMIT), { recursive: true });
  await Deno.writeTextFile(join(folder, "trees", `${COMMIT}.json`), '{"fil');
  strictEqual(await cachedTree(folder, COMMIT), null);
  await Deno.writeTextFile(snapshotPath(folder, COMMIT, "a.json"), "{}");
  const cached = await cachedTree(folder, COMMIT);
  strictEqual(cached?.tree["a.json"]?.size, 2);
});
