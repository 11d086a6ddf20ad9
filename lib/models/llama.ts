import type { DecoderConfig, Llama3Scaling, RopeConfig } from "./config.ts";
import type { JsonFields } from "./json_fields.ts";

/** Fields that change the mathematics → the one value this decoder does. */
const FIXED: Readonly<Record<string, string | number | boolean>> = {
  "hidden_act": "silu",
  "attention_bias": false,
  "mlp_bias": false,
};

/**
 * Reads config.json of the Llama family. Fields that are absent have the
 * defaults of transformers' `LlamaConfig`, which leaves out what equals them.
 *
 * @throws Error for a field that is missing, of a wrong type, or unsupported.
 */
export function llamaConfig(fields: JsonFields): DecoderConfig {
  refuseUnsupported(fields);
  const hiddenSize = fields.count("hidden_size");
  const heads = fields.count("num_attention_heads");
  return {
    vocabSize: fields.count("vocab_size"),
    hiddenSize,
    intermediateSize: fields.count("intermediate_size"),
    layers: fields.count("num_hidden_layers"),
    heads,
    kvHeads: readKvHeads(fields, heads),
    headDim: readHeadDim(fields, hiddenSize / heads),
    normEpsilon: fields.positive("rms_norm_eps", 1e-6),
    rope: readRope(fields),
    maxPositions: fields.count("max_position_embeddings", 2048),
    tiedHead: fields.flag("tie_word_embeddings", false),
    bosId: fields.tokenIds("bos_token_id", [1])[0] ?? null,
    eosIds: fields.tokenIds("eos_token_id", [2]),
  };
}

function refuseUnsupported(fields: JsonFields): void {
  for (const [name, only] of Object.entries(FIXED)) {
    if (fields.has(name) && fields.values[name] !== only) {
      throw fields.error(
        name,
        `${JSON.stringify(only)}, all that is supported`,
      );
    }
  }
  if (fields.has("quantization_config")) {
    throw fields.error(
      "quantization_config",
      "none: quantized weights are not supported",
    );
  }
}

function readKvHeads(fields: JsonFields, heads: number): number {
  const kvHeads = fields.count("num_key_value_heads", heads);
  if (heads % kvHeads === 0) return kvHeads;
  throw fields.error("num_key_value_heads", `a divisor of ${heads} heads`);
}

function readHeadDim(fields: JsonFields, usual: number): number {
  const headDim = fields.count("head_dim", usual);
  if (headDim % 2 === 0) return headDim;
  throw fields.error("head_dim", "an even number, for rotary pairs");
}

/** Older files have rope_theta and rope_scaling, newer ones rope_parameters. */
function readRope(fields: JsonFields): RopeConfig {
  const rope = fields.object("rope_parameters") ??
    fields.object("rope_scaling");
  const theta = rope?.has("rope_theta") ? rope : fields;
  return {
    theta: theta.positive("rope_theta", 10_000),
    scaling: rope && readScaling(rope),
  };
}

function readScaling(rope: JsonFields): Llama3Scaling | null {
  const field = rope.has("rope_type") ? "rope_type" : "type";
  const kind = rope.text(field, "default");
  if (kind === "default") return null;
  if (kind !== "llama3") throw rope.error(field, `"default" or "llama3"`);
  const lowFrequencyFactor = rope.positive("low_freq_factor");
  const highFrequencyFactor = rope.positive("high_freq_factor");
  if (highFrequencyFactor <= lowFrequencyFactor) {
    throw rope.error("high_freq_factor", "more than low_freq_factor");
  }
  return {
    kind,
    factor: rope.positive("factor"),
    lowFrequencyFactor,
    highFrequencyFactor,
    originalMaxPositions: rope.count("original_max_position_embeddings"),
  };
}
