import { join } from "node:path";
import { exists, orNull } from "../files/missing.ts";
import { realFile } from "../files/real_file.ts";
import { reasonOf } from "../files/values.ts";
import { filesUnder } from "./cache.ts";
import { dataFiles } from "./select.ts";

/**
 * Checks the path of a model folder or GGUF file on this machine.
 *
 * @throws if nothing lies there, or another file, or the folder of a run.
 */
export async function localModel(path: string): Promise<string> {
  const { isDirectory } = await find("model or adapter", path);
  if (isDirectory) await refuseRun(path);
  if (isDirectory || /\.gguf$/i.test(path)) return path;
  throw new Error(
    `Cannot use "${path}" as a model: it is a file, expected a folder with config.json and *.safetensors, or a .gguf file`,
  );
}

/** Folders of a training run that may hold its result. */
export const RESULTS = ["adapter", "model"];

/** People name the folder of a run when they mean the adapter in it. */
async function refuseRun(path: string): Promise<void> {
  if (!await exists(join(path, "run.json"))) return;
  for (const result of RESULTS.map((name) => join(path, name))) {
    if (!await exists(result)) continue;
    throw new Error(
      `Cannot use "${path}" as a model or adapter: it is a training run, whose result is ${result}`,
    );
  }
}

/**
 * The data files at a path on this machine: the file itself, or those in the
 * folder and below.
 *
 * @throws if nothing lies there, or the folder has no data, several splits,
 * a file in two containers, or a link to data outside.
 */
export async function localData(path: string): Promise<string[]> {
  const { isDirectory } = await find("data", path);
  if (!isDirectory) return [path];
  const files = dataFiles(await filesUnder(path), `"${path}"`, { part: null })
    .map((file) => join(path, file));
  for (const file of files) await refuseOutside(path, file);
  return files;
}

/**
 * A folder from elsewhere must not make us read files outside of it.
 *
 * @param mayLeave as in {@linkcode realFile}.
 */
export async function refuseOutside(
  folder: string,
  file: string,
  mayLeave?: boolean,
): Promise<void> {
  try {
    await realFile(file, folder, mayLeave);
  } catch (cause) {
    throw new Error(`Cannot use "${file}": ${reasonOf(cause)}`, { cause });
  }
}

async function find(kind: string, path: string): Promise<Deno.FileInfo> {
  const info = await orNull(Deno.stat(path));
  if (info !== null) return info;
  throw new Error(
    `Cannot find the ${kind} "${path}": there is no such file or folder, and it is not a Hub id (org/name)`,
  );
}
