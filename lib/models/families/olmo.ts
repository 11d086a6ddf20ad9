import { LLAMA_NAMES } from "../config.ts";
import { readLlamaLike } from "../config_json/decoder_fields.ts";
import type { Family, ModelType } from "../family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  llamaFields,
} from "../gguf/config_fields.ts";
import { rotary } from "../gguf/rope_scaling.ts";

const DEFAULTS = {
  epsilon: ["rms_norm_eps", 1e-5],
  maxPositions: 2048,
  tiedHead: false,
  bosId: null,
  eosId: 50_279,
} as const;

/**
 * OLMo 1: Llama with layer norms that have no parameters.
 * https://arxiv.org/abs/2402.00838
 */
const olmo1: ModelType = {
  read: (fields) => {
    if (fields.has("clip_qkv")) {
      throw fields.error("clip_qkv", "null: clipping is not supported");
    }
    const config = readLlamaLike(fields, DEFAULTS);
    return { ...config, norm: "bare-layer", normEpsilon: 1e-5 };
  },
  gguf: {
    transformersClass: "OlmoForCausalLM",
    interleaved: true,
    config: (model) => {
      model.fields.only("attention.layer_norm_epsilon", [1e-5]);
      return {
        ...commonFields(model),
        "hidden_act": "silu",
        ...rotary(model, headDim(model.fields)),
        "attention_bias": hasBias(model, "attn_q"),
        "clip_qkv": null,
      };
    },
  },
};

/**
 * OLMo 2: what attention and MLP give is normalised rather than what they
 * read, and queries and keys over all heads. https://arxiv.org/abs/2501.00656
 */
const olmo2: ModelType = {
  read: (fields) => ({
    ...readLlamaLike(fields, DEFAULTS),
    qkNorm: "whole",
    names: {
      ...LLAMA_NAMES,
      attentionIn: null,
      attentionOut: "post_attention_layernorm",
      mlpIn: null,
      mlpOut: "post_feedforward_layernorm",
    },
  }),
  gguf: {
    transformersClass: "Olmo2ForCausalLM",
    config: (model) => {
      // OLMo 3 goes by the same name, and has windows.
      model.fields.only("attention.sliding_window", [0]);
      return {
        ...llamaFields(model),
        "attention_bias": hasBias(model, "attn_q"),
      };
    },
  },
};

/** OLMo 1 and 2. */
export const olmo: Family = { types: { olmo: olmo1, olmo2 } };
