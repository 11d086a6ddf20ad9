import { rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { cacheFolder } from "lib/files/cache_folder.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("a cache lies where the system has its caches", async () => {
  using caches = temporaryFolder();
  const folder = await cacheFolder("gguf", { XDG_CACHE_HOME: caches.path });
  strictEqual(folder, join(caches.path, "prefgrad/gguf"));
  strictEqual((await Deno.stat(folder)).isDirectory, true);
});

Deno.test("a cache that cannot be made is named, with the variable that moves it", async () => {
  using caches = temporaryFolder();
  const file = join(caches.path, "file");
  await Deno.writeTextFile(file, "");
  await rejects(cacheFolder("gguf", { XDG_CACHE_HOME: file }), {
    message: `Cannot make the cache ${file}/prefgrad/gguf; ` +
      "set XDG_CACHE_HOME to another folder",
  });
});
