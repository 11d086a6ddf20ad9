import type { Family } from "../family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  llamaFields,
} from "../config_fields.ts";
import { rotary } from "../rope_scaling.ts";
import { INTERLEAVED } from "./llama.ts";
import { ATTENTION, GATED_MLP, HEAD_NORMS, LLAMA } from "./names.ts";

export const olmo: Family = {
  ...LLAMA,
  arranged: INTERLEAVED,
  // Its norms have no parameters.
  inner: { ...ATTENTION, ...GATED_MLP },
  config: (model) => {
    model.fields.only("attention.layer_norm_epsilon", [1e-5]);
    return {
      "architectures": ["OlmoForCausalLM"],
      "model_type": "olmo",
      ...commonFields(model),
      "hidden_act": "silu",
      ...rotary(model, headDim(model.fields)),
      "attention_bias": hasBias(model, "attn_q"),
      "clip_qkv": null,
    };
  },
};

export const olmo2: Family = {
  ...LLAMA,
  inner: {
    ...ATTENTION,
    ...GATED_MLP,
    ...HEAD_NORMS,
    "post_attention_norm": "post_attention_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
  },
  config: (model) => {
    // OLMo 3 goes by the same name, and has windows.
    model.fields.only("attention.sliding_window", [0]);
    return {
      "architectures": ["Olmo2ForCausalLM"],
      "model_type": "olmo2",
      ...llamaFields(model),
      "attention_bias": hasBias(model, "attn_q"),
    };
  },
};
