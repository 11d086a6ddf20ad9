import { homedir } from "node:os";
import { join } from "node:path";

/** Folder of one of our caches, beside other tools' caches. */
export function cacheFolder(
  name: string,
  env: Readonly<Record<string, string>> = Deno.env.toObject(),
): string {
  const caches = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(caches, "prefgrad", name);
}
