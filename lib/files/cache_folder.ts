import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Folder of one of our caches, beside other tools' caches; made where it is
 * missing.
 *
 * @throws Error that names it, where it cannot be made.
 */
export async function cacheFolder(
  name: string,
  env: Readonly<Record<string, string>> = Deno.env.toObject(),
): Promise<string> {
  const caches = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(caches, "prefgrad", name);
  await Deno.mkdir(folder, { recursive: true }).catch((cause) => {
    throw new Error(
      `Cannot make the cache ${folder}; XDG_CACHE_HOME names another place`,
      { cause },
    );
  });
  return folder;
}
