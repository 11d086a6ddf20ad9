import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { readBiases, readDecoder } from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";

/**
 * Granite 3: Llama with factors of embeddings, attention, what blocks add, and
 * logits. https://arxiv.org/abs/2407.13739
 */
export function graniteConfig(fields: JsonFields): DecoderConfig {
  const config = readDecoder(fields, {
    epsilon: ["rms_norm_eps", 1e-6],
    maxPositions: 2048,
    tiedHead: false,
    bosId: 1,
    eosId: 2,
  });
  return {
    ...config,
    rope: readRope(fields, config),
    ...readBiases(fields),
    embeddingScale: fields.positive("embedding_multiplier", 1),
    attentionScale: fields.positive("attention_multiplier", 1),
    residualScale: fields.positive("residual_multiplier", 1),
    logitScale: 1 / fields.positive("logits_scaling", 1),
  };
}
