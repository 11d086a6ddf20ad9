import { ROTARY_HALVES } from "../arrangement.ts";
import type { Architecture } from "../architecture.ts";
import { hasBias, llamaFields } from "../config_fields.ts";
import { LLAMA } from "./names.ts";

/** What llama.cpp's conversion permutes. */
const INTERLEAVED = { "attn_q": ROTARY_HALVES, "attn_k": ROTARY_HALVES };

export const llama: Architecture = {
  ...LLAMA,
  arranged: INTERLEAVED,
  config: (model) => ({
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    ...llamaFields(model),
    "attention_bias": hasBias(model, "attn_q"),
    "mlp_bias": hasBias(model, "ffn_up"),
  }),
};

export const smollm3: Architecture = {
  ...LLAMA,
  arranged: INTERLEAVED,
  config: (model) => ({
    "architectures": ["SmolLM3ForCausalLM"],
    "model_type": "smollm3",
    ...llamaFields(model),
    "attention_bias": hasBias(model, "attn_q"),
    "mlp_bias": hasBias(model, "ffn_up"),
    "no_rope_layer_interval": 4,
    "use_sliding_window": false,
  }),
};
