import { type DecoderConfig, LLAMA_NAMES } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { readBiases, readDecoder } from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";
import {
  ATTENTION,
  type Family,
  GATED_MLP,
  HEAD_NORMS,
  LLAMA,
} from "../gguf/family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  llamaFields,
} from "../gguf/config_fields.ts";
import { rotary } from "../gguf/rope_scaling.ts";
import { INTERLEAVED } from "./llama.ts";

/**
 * OLMo 1: Llama with layer norms that have no parameters.
 * https://arxiv.org/abs/2402.00838
 */
export function olmoConfig(fields: JsonFields): DecoderConfig {
  if (fields.has("clip_qkv")) {
    throw fields.error("clip_qkv", "null: clipping is not supported");
  }
  const norm = { norm: "bare-layer", normEpsilon: 1e-5 } as const;
  return { ...readOlmo(fields), ...norm };
}

/**
 * OLMo 2: what attention and MLP give is normalised rather than what they
 * read, and queries and keys over all heads. https://arxiv.org/abs/2501.00656
 */
export function olmo2Config(fields: JsonFields): DecoderConfig {
  return {
    ...readOlmo(fields),
    qkNorm: "whole",
    names: {
      ...LLAMA_NAMES,
      attentionIn: null,
      attentionOut: "post_attention_layernorm",
      mlpIn: null,
      mlpOut: "post_feedforward_layernorm",
    },
  };
}

function readOlmo(fields: JsonFields): DecoderConfig {
  const config = readDecoder(fields, {
    epsilon: ["rms_norm_eps", 1e-5],
    maxPositions: 2048,
    tiedHead: false,
    bosId: null,
    eosId: 50_279,
  });
  return { ...config, rope: readRope(fields, config), ...readBiases(fields) };
}

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
