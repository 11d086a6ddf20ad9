import { homedir } from "node:os";
import { join } from "node:path";

/** The path of one of our caches, beside the caches of other tools. */
export function cachePath(
  name: string,
  env: Readonly<Record<string, string>> = Deno.env.toObject(),
): string {
  const caches = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(caches, "prefgrad", name);
}

/**
 * The same folder, created if it is missing.
 *
 * @throws Error naming the folder if it cannot be created.
 */
export async function cacheFolder(
  name: string,
  env?: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = cachePath(name, env);
  await Deno.mkdir(folder, { recursive: true }).catch((cause) => {
    throw new Error(
      `Cannot make the cache ${folder}; set XDG_CACHE_HOME to another folder`,
      { cause },
    );
  });
  return folder;
}
