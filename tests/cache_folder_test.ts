import { match, strictEqual } from "node:assert/strict";
import { cacheFolder } from "lib/cache_folder.ts";

Deno.test("a cache lies where the system has its caches", () => {
  const env = { XDG_CACHE_HOME: "/caches" };
  strictEqual(cacheFolder("gguf", env), "/caches/prefgrad/gguf");
  match(cacheFolder("gguf", {}), /\.cache\/prefgrad\/gguf$/);
});
