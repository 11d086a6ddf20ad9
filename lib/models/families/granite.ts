import { readLlamaLike } from "../config_json/decoder_fields.ts";
import type { Family } from "../family.ts";
import { headDim, linearBiases, llamaFields } from "../gguf/config_fields.ts";

/** Factors that are 1 in Llama: GGUF's name → config.json's. */
const FACTORS = {
  "attention.scale": "attention_multiplier",
  "embedding_scale": "embedding_multiplier",
  "logit_scale": "logits_scaling",
  "residual_scale": "residual_multiplier",
};

/**
 * Granite 3: Llama with factors of embeddings, attention, what blocks add, and
 * logits. https://arxiv.org/abs/2407.13739
 */
export const granite: Family = {
  types: {
    granite: {
      read: (fields) => ({
        ...readLlamaLike(fields, {
          epsilon: ["rms_norm_eps", 1e-6],
          maxPositions: 2048,
          tiedHead: false,
          bosId: 1,
          eosId: 2,
        }),
        embeddingScale: fields.positive("embedding_multiplier", 1),
        attentionScale: fields.positive("attention_multiplier", 1),
        residualScale: fields.positive("residual_multiplier", 1),
        logitScale: 1 / fields.positive("logits_scaling", 1),
      }),
      gguf: {
        transformersClass: "GraniteForCausalLM",
        interleaved: true,
        config: (model) => ({
          ...llamaFields(model, Object.keys(FACTORS)),
          ...linearBiases(model),
          "attention_multiplier": headDim(model.fields) ** -0.5,
          ...Object.fromEntries(
            Object.entries(FACTORS)
              .filter(([key]) => model.fields.has(key))
              .map(([key, name]) => [name, model.fields.positive(key)]),
          ),
        }),
      },
    },
  },
};
