import { join } from "node:path";
import { filesUnder, ifThere } from "./cache.ts";
import { dataFiles } from "./select.ts";

/**
 * A model folder that should lie on this machine.
 *
 * @throws if it does not, or is a file.
 */
export async function localModel(path: string): Promise<string> {
  const { isDirectory } = await find("model", path);
  if (isDirectory) return path;
  throw new Error(
    `Cannot use "${path}" as a model: it is a file, expected a folder with config.json and *.safetensors`,
  );
}

/**
 * The data files that a path on this machine stands for: itself, or those in
 * the folder.
 *
 * @throws if nothing lies there, or the folder has no data or several splits.
 */
export async function localData(path: string): Promise<string[]> {
  const { isDirectory } = await find("data", path);
  if (!isDirectory) return [path];
  const files = dataFiles(await filesUnder(path), `"${path}"`, { part: null });
  return files.map((file) => join(path, file));
}

async function find(what: string, path: string): Promise<Deno.FileInfo> {
  const info = await ifThere(Deno.stat(path));
  if (info !== null) return info;
  throw new Error(
    `Cannot find the ${what} "${path}": nothing lies there, and it is no Hub id (org/name)`,
  );
}
