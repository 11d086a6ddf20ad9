import { cacheFolder } from "lib/cache_folder.ts";
import { type ModelOptions, resolveModel, type Source } from "lib/hub.ts";
import { isGgufFile } from "lib/models/gguf/gguf_file.ts";
import { ggufFolder } from "lib/models/gguf/gguf_folder.ts";
import { sha256File } from "lib/record/sha256.ts";

/** What the conversion of a GGUF file tells as it goes on. */
export interface ConversionHook {
  onConvert?: (file: string, bytes: number, total: number) => void;
}

/** A model as a folder, and where it came from. */
export interface ModelPlace {
  readonly folder: string;
  readonly source: Source;
  /** SHA-256 of the GGUF file that the folder was made from, or null. */
  readonly gguf: string | null;
}

/**
 * A model's folder: one on this machine, one pulled from the Hub, or what a
 * GGUF file becomes, from wherever that is.
 *
 * @throws as `resolveModel` and `ggufFolder`.
 */
export async function modelFolder(
  pathOrId: string,
  { onConvert, ...options }: ModelOptions & ConversionHook = {},
): Promise<ModelPlace> {
  const { folder: found, source } = await resolveModel(pathOrId, options);
  if (!await isGgufFile(found)) return { folder: found, source, gguf: null };
  const gguf = await sha256File(found);
  const folder = await ggufFolder(found, {
    sha256: gguf,
    cache: await cacheFolder("gguf"),
    only: options.only,
    ...onConvert &&
      { onBytes: (bytes, total) => onConvert(found, bytes, total) },
  });
  return { folder, source, gguf };
}
