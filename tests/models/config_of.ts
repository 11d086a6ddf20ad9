import type { DecoderConfig } from "lib/models/config.ts";
import { readConfig } from "lib/models/read_config.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { putJson } from "./tiny_model.ts";

/** The configuration that a folder with such files has. */
export async function configOf(
  config: Readonly<Record<string, unknown>>,
  generation?: Readonly<Record<string, unknown>>,
): Promise<DecoderConfig> {
  using folder = temporaryFolder();
  await putJson(`${folder.path}/config.json`, config);
  if (generation) {
    await putJson(`${folder.path}/generation_config.json`, generation);
  }
  return await readConfig(folder.path);
}
