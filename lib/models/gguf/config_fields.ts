import type { ConfigFields, GgufModel } from "../family.ts";
import type { Metadata } from "./metadata.ts";
import { rotary } from "./rope_scaling.ts";

/** Fields that change the mathematics → the values that do not. */
const NEUTRAL: Readonly<Record<string, readonly (number | boolean)[]>> = {
  "expert_count": [0],
  "attention.causal": [true],
  "attention.clamp_kqv": [0],
  "attention.max_alibi_bias": [0],
  "attention.scale": [0],
  "embedding_scale": [0, 1],
  "logit_scale": [0, 1],
  "residual_scale": [0, 1],
  "rope.scale_linear": [1],
};

/**
 * Sizes and other fields whose names all families share, except GPT-2.
 *
 * @param read fields besides these that the family reads.
 * @throws Error for others that change the mathematics.
 */
export function commonFields(
  { fields, tensors, vocabularySize }: GgufModel,
  read: readonly string[] = [],
): ConfigFields {
  for (const [key, values] of Object.entries(NEUTRAL)) {
    if (!read.includes(key)) fields.only(key, values);
  }
  fields.only("attention.value_length", [headDim(fields)]);
  const heads = fields.count("attention.head_count");
  return {
    "vocab_size": vocabularySize,
    "hidden_size": fields.count("embedding_length"),
    "intermediate_size": fields.count("feed_forward_length"),
    "num_hidden_layers": fields.count("block_count"),
    "num_attention_heads": heads,
    "num_key_value_heads": fields.count("attention.head_count_kv", heads),
    "max_position_embeddings": fields.count("context_length"),
    "tie_word_embeddings": !tensors.has("output.weight"),
  };
}

/** Elements of a head. */
export function headDim(fields: Metadata): number {
  const even = fields.count("embedding_length") /
    fields.count("attention.head_count");
  return fields.count("attention.key_length", even);
}

/** Fields of models with RMS norms that rotate heads whole. */
export function llamaFields(
  model: GgufModel,
  read?: readonly string[],
): ConfigFields {
  const { fields } = model;
  const size = headDim(fields);
  fields.only("rope.dimension_count", [size]);
  return {
    ...commonFields(model, read),
    ...rmsNorm(fields),
    "head_dim": size,
    "hidden_act": "silu",
    ...rotary(model, size),
  };
}

export function rmsNorm(fields: Metadata): ConfigFields {
  return {
    "rms_norm_eps": fields.positive("attention.layer_norm_rms_epsilon"),
  };
}

export function layerNormEpsilon(fields: Metadata): number {
  return fields.positive("attention.layer_norm_epsilon");
}

/** The share of each head that is rotated. */
export function rotaryShare(fields: Metadata): number {
  const size = headDim(fields);
  return fields.count("rope.dimension_count", size) / size;
}

/** The positions that attention looks back; `null` for all, which may be written 0. */
export function slidingWindow(fields: Metadata): number | null {
  const name = "attention.sliding_window";
  return fields.index(name, Number.MAX_SAFE_INTEGER) || null;
}

/** Whether a module has a bias in the first layer, and so in all. */
export function hasBias({ tensors }: GgufModel, module: string): boolean {
  return tensors.has(`blk.0.${module}.bias`);
}

/** Fields on the biases of attention and MLP. */
export function linearBiases(model: GgufModel): ConfigFields {
  return {
    "attention_bias": hasBias(model, "attn_q"),
    "mlp_bias": hasBias(model, "ffn_up"),
  };
}
