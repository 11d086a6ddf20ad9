import { join } from "node:path";
import { realFile } from "../files/real_file.ts";
import { filesUnder } from "./cache.ts";
import { orNull } from "../files/missing.ts";
import { dataFiles } from "./select.ts";
import { reasonOf } from "../files/values.ts";

/**
 * A model folder, or GGUF file, that should lie on this machine.
 *
 * @throws if it does not, or is another file, or the folder of a training run.
 */
export async function localModel(path: string): Promise<string> {
  const { isDirectory } = await find("model or adapter", path);
  if (isDirectory) await refuseRun(path);
  if (isDirectory || /\.gguf$/i.test(path)) return path;
  throw new Error(
    `Cannot use "${path}" as a model: it is a file, expected a folder with config.json and *.safetensors, or a .gguf file`,
  );
}

/** People name the folder of a run and mean what it made. */
async function refuseRun(path: string): Promise<void> {
  const isRun = await orNull(Deno.stat(join(path, "run.json")));
  if (isRun === null) return;
  for (const made of ["adapter", "model"].map((name) => join(path, name))) {
    if (await orNull(Deno.stat(made)) === null) continue;
    throw new Error(
      `Cannot use "${path}" as a model or adapter: it is a training run, and what it made is ${made}`,
    );
  }
}

/**
 * The data files that a path on this machine stands for: itself, or those in
 * the folder and below.
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

/** A folder from elsewhere must not make us read what lies beside it. */
export async function refuseOutside(
  folder: string,
  file: string,
): Promise<void> {
  try {
    await realFile(file, folder);
  } catch (cause) {
    throw new Error(`Cannot use "${file}": ${reasonOf(cause)}`, { cause });
  }
}

async function find(what: string, path: string): Promise<Deno.FileInfo> {
  const info = await orNull(Deno.stat(path));
  if (info !== null) return info;
  throw new Error(
    `Cannot find the ${what} "${path}": nothing lies there, and it is no Hub id (org/name)`,
  );
}
