import { LLAMA_NAMES } from "../architecture.ts";
import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { readBiases, readDecoder } from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";

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
