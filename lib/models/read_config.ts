import { join } from "node:path";
import type { DecoderConfig } from "./config.ts";
import {
  type ConfigReader,
  openConfig,
  openOptionalConfig,
} from "./config_json/config_reader.ts";
import { MODEL_TYPES, REFUSED } from "./registry.ts";
import type { ModelType } from "./family.ts";

/**
 * Reads config.json of a Hugging Face model folder, and the ids of tokens that
 * end a text from generation_config.json if that has them.
 *
 * @throws Error that names file and field: missing, of a wrong type, or
 * unsupported.
 */
export async function readConfig(folder: string): Promise<DecoderConfig> {
  const fields = await openConfig(join(folder, "config.json"));
  const config = modelTypeOf(fields).read(fields);
  const path = join(folder, "generation_config.json");
  const generation = await openOptionalConfig(path);
  if (!generation) return config;
  return {
    ...config,
    eosIds: generation.tokenIds("eos_token_id", config.eosIds),
  };
}

function modelTypeOf(fields: ConfigReader): ModelType {
  const name = fields.text("model_type");
  const type = MODEL_TYPES.get(name);
  if (type) return type;
  const known = `one of: ${[...MODEL_TYPES.keys()].join(", ")}`;
  throw fields.error("model_type", REFUSED.get(name) ?? known);
}
