import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The folder of one of our caches, beside the caches of other tools. It is
 * created if it is missing.
 *
 * @throws Error naming the folder if it cannot be created.
 */
export async function cacheFolder(
  name: string,
  env: Readonly<Record<string, string>> = Deno.env.toObject(),
): Promise<string> {
  const caches = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(caches, "prefgrad", name);
  await Deno.mkdir(folder, { recursive: true }).catch((cause) => {
    throw new Error(
      `Cannot make the cache ${folder}; set XDG_CACHE_HOME to another folder`,
      { cause },
    );
  });
  return folder;
}
