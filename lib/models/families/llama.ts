import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { readBiases, readDecoder } from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";
import { ROTARY_HALVES } from "../gguf/arrangement.ts";
import {
  type ConfigFields,
  type Family,
  type GgufModel,
  LLAMA,
} from "../gguf/family.ts";
import { hasBias, headDim, llamaFields } from "../gguf/config_fields.ts";

/** Llama 1 to 3.x, SmolLM 1 and 2, and what else is built alike. */
export function llamaConfig(fields: JsonFields): DecoderConfig {
  const config = readDecoder(fields, {
    epsilon: ["rms_norm_eps", 1e-6],
    maxPositions: 2048,
    tiedHead: false,
    bosId: 1,
    eosId: 2,
  });
  return { ...config, rope: readRope(fields, config), ...readBiases(fields) };
}

/** What llama.cpp's conversion permutes. */
export const INTERLEAVED = { "attn_q": ROTARY_HALVES, "attn_k": ROTARY_HALVES };

export const llama: Family = {
  ...LLAMA,
  arranged: INTERLEAVED,
  config: (model) => ({
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    ...llamaFields(model),
    ...biases(model),
  }),
};

export const smollm3: Family = {
  ...LLAMA,
  arranged: INTERLEAVED,
  config: (model) => ({
    "architectures": ["SmolLM3ForCausalLM"],
    "model_type": "smollm3",
    ...llamaFields(model),
    ...biases(model),
    "no_rope_layer_interval": 4,
    "use_sliding_window": false,
  }),
};

/** Llama's factors of 1 → GGUF's and Hugging Face's names. */
const SCALES = {
  "attention.scale": "attention_multiplier",
  "embedding_scale": "embedding_multiplier",
  "logit_scale": "logits_scaling",
  "residual_scale": "residual_multiplier",
};

export const granite: Family = {
  ...LLAMA,
  arranged: INTERLEAVED,
  config: (model) => {
    const { fields } = model;
    return {
      "architectures": ["GraniteForCausalLM"],
      "model_type": "granite",
      ...llamaFields(model, Object.keys(SCALES)),
      ...biases(model),
      "attention_multiplier": headDim(fields) ** -0.5,
      ...Object.fromEntries(
        Object.entries(SCALES)
          .filter(([key]) => fields.has(key))
          .map(([key, name]) => [name, fields.positive(key)]),
      ),
    };
  },
};

function biases(model: GgufModel): ConfigFields {
  return {
    "attention_bias": hasBias(model, "attn_q"),
    "mlp_bias": hasBias(model, "ffn_up"),
  };
}
