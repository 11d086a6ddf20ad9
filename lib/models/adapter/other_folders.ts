import { join } from "node:path";
import { exists, namesIn, orNull } from "../../files/missing.ts";
import { openConfig } from "../config_json/config_reader.ts";

const CONFIG = "adapter_config.json";
/** Weights of a model, in one file or in shards. */
const MODEL = /^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/;

/**
 * Refuses an adapter in a model's place.
 *
 * @throws Error that names the adapter's model, if its configuration does.
 */
export async function refuseAdapter(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (!names.includes(CONFIG) || names.some((name) => MODEL.test(name))) return;
  const { values } = await openConfig(join(folder, CONFIG));
  const base = values["base_model_name_or_path"] ?? values["model"];
  const of = typeof base === "string" && base !== "" ? ` of ${base}` : "";
  throw new Error(
    `Cannot use ${folder} as a model: it is an adapter${of}, ` +
      `expected it as --adapter, with its model as --model`,
  );
}

/**
 * Refuses other folders in the place of an adapter in PEFT's layout: models, and
 * adapters by mlx-lm, whose matrices are transposed and scaled otherwise.
 *
 * @throws Error that names what the folder is.
 */
export async function refuseOthers(folder: string): Promise<void> {
  const info = await orNull(Deno.stat(folder));
  const refuse = (kind: string, expected: string) => {
    throw new Error(
      `Cannot use ${folder} as an adapter: it is ${kind}, expected ${expected}`,
    );
  };
  if (info?.isFile) refuse("a file", `a folder with ${CONFIG}, as PEFT's are`);
  const names = await namesIn(folder);
  if (!names.includes(CONFIG)) {
    if (!await exists(join(folder, "config.json"))) return;
    refuse("a model", `it as --model, or a folder with ${CONFIG}`);
  }
  if (names.includes("adapter_model.safetensors")) return;
  const isMlx = names.some((name) =>
    /^(\d+_)?adapters\.safetensors$/.test(name)
  );
  if (isMlx) {
    refuse(
      "an adapter by mlx-lm",
      "PEFT's layout: merge it there, with mlx_lm.fuse, and use the model",
    );
  }
}
