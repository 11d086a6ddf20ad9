import { gemma } from "./families/gemma.ts";
import { gpt2 } from "./families/gpt2.ts";
import { gptNeox } from "./families/gpt_neox.ts";
import { granite } from "./families/granite.ts";
import { llama } from "./families/llama.ts";
import { mistral } from "./families/mistral.ts";
import { olmo } from "./families/olmo.ts";
import { phi3 } from "./families/phi3.ts";
import { qwen } from "./families/qwen.ts";
import { smolLm3 } from "./families/smollm3.ts";
import { stableLm } from "./families/stablelm.ts";
import { starcoder2 } from "./families/starcoder2.ts";
import type { Family, GgufMapping, ModelType } from "./family.ts";

/** The families, each in its file of the folder `families`. */
export const FAMILIES: readonly Family[] = [
  llama,
  gemma,
  gpt2,
  gptNeox,
  granite,
  mistral,
  olmo,
  phi3,
  qwen,
  smolLm3,
  stableLm,
  starcoder2,
];

/** Model types by `model_type` of config.json. */
export const MODEL_TYPES: ReadonlyMap<string, ModelType> = new Map(
  FAMILIES.flatMap(({ types }) => Object.entries(types)),
);

/** Refused model types → what is expected instead. */
export const REFUSED: ReadonlyMap<string, string> = new Map(
  FAMILIES.flatMap(({ refused = {} }) => Object.entries(refused)),
);

/** A model type that GGUF files hold. */
export interface GgufType extends Pick<ModelType, "read"> {
  /** `model_type` of config.json. */
  readonly name: string;
  readonly gguf: GgufMapping;
}

/** Model types by `general.architecture` of GGUF files. */
export const GGUF_TYPES: ReadonlyMap<string, GgufType> = new Map(
  [...MODEL_TYPES].flatMap(([name, { read, gguf }]) =>
    gguf ? [[gguf.architecture ?? name, { name, read, gguf }]] : []
  ),
);
