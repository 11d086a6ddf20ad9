import { join } from "node:path";
import type { DecoderConfig } from "./config.ts";
import {
  gemma2Config,
  gemma3Config,
  gemmaConfig,
  refuseImages,
} from "./families/gemma.ts";
import { gpt2Config } from "./families/gpt2.ts";
import { gptNeoxConfig } from "./families/gpt_neox.ts";
import { graniteConfig } from "./families/granite.ts";
import { llamaConfig } from "./families/llama.ts";
import { mistralConfig } from "./families/mistral.ts";
import { olmo2Config, olmoConfig } from "./families/olmo.ts";
import { phi3Config } from "./families/phi3.ts";
import { qwen2Config, qwen3Config } from "./families/qwen.ts";
import { smolLm3Config } from "./families/smollm3.ts";
import { stableLmConfig } from "./families/stablelm.ts";
import { starcoder2Config } from "./families/starcoder2.ts";
import {
  type JsonFields,
  readJsonFields,
  readOptionalJsonFields,
} from "./json_fields.ts";

/** `model_type` in config.json → what reads the rest of it. */
const FAMILIES: ReadonlyMap<string, (fields: JsonFields) => DecoderConfig> =
  new Map<string, (fields: JsonFields) => DecoderConfig>([
    ["llama", llamaConfig],
    ["gemma", gemmaConfig],
    ["gemma2", gemma2Config],
    ["gemma3_text", gemma3Config],
    ["gemma3", refuseImages],
    ["gpt2", gpt2Config],
    ["gpt_neox", gptNeoxConfig],
    ["granite", graniteConfig],
    ["mistral", mistralConfig],
    ["olmo", olmoConfig],
    ["olmo2", olmo2Config],
    ["phi3", phi3Config],
    ["qwen2", qwen2Config],
    ["qwen3", qwen3Config],
    ["smollm3", smolLm3Config],
    ["stablelm", stableLmConfig],
    ["starcoder2", starcoder2Config],
  ]);

/**
 * Reads config.json of a Hugging Face model folder, and the ids of the special
 * tokens from generation_config.json where that has them.
 *
 * @throws Error that names file and field: not there, of a wrong type, or
 * asking for what this decoder does not do.
 */
export async function readConfig(folder: string): Promise<DecoderConfig> {
  const fields = await readJsonFields(join(folder, "config.json"));
  const config = readerOf(fields)(fields);
  const path = join(folder, "generation_config.json");
  const generation = await readOptionalJsonFields(path);
  if (!generation) return config;
  return {
    ...config,
    eosIds: generation.tokenIds("eos_token_id", config.eosIds),
  };
}

function readerOf(fields: JsonFields): (fields: JsonFields) => DecoderConfig {
  const read = FAMILIES.get(fields.text("model_type"));
  if (read) return read;
  const readers = [...FAMILIES].filter(([, read]) => read !== refuseImages);
  const known = readers.map(([name]) => name).join(", ");
  throw fields.error("model_type", `one of: ${known}`);
}
