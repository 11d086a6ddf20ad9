import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { llamaConfig } from "./llama.ts";

/**
 * Granite 3: Llama with factors of embeddings, attention, what blocks add, and
 * logits. https://arxiv.org/abs/2407.13739
 */
export function graniteConfig(fields: JsonFields): DecoderConfig {
  return {
    ...llamaConfig(fields),
    embeddingScale: fields.positive("embedding_multiplier", 1),
    attentionScale: fields.positive("attention_multiplier", 1),
    residualScale: fields.positive("residual_multiplier", 1),
    logitScale: 1 / fields.positive("logits_scaling", 1),
  };
}
