import { ROTARY_HALVES } from "../arrangement.ts";
import type { ConfigFields, Family, GgufModel } from "../family.ts";
import { hasBias, headDim, llamaFields } from "../config_fields.ts";
import { LLAMA } from "./names.ts";

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
