import { join } from "node:path";
import {
  type JsonFields,
  readJsonFields,
  readOptionalJsonFields,
} from "./json_fields.ts";
import { llamaConfig } from "./llama.ts";
import { elementCount } from "./safetensors_header.ts";

/**
 * Everything the decoder needs to know of a model, whatever its family: token
 * embedding, `layers` pre-norm blocks of rotary grouped-query attention and
 * SwiGLU, a final RMS norm, and the head.
 */
export interface DecoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Key and value heads; each serves `heads / kvHeads` query heads. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Added to the mean square under the root of each RMS norm. */
  readonly normEpsilon: number;
  readonly rope: RopeConfig;
  readonly maxPositions: number;
  /** Whether the head is the embedding. */
  readonly tiedHead: boolean;
  readonly bosId: number | null;
  /** Tokens that end a text; the first is the usual one. */
  readonly eosIds: readonly number[];
}

/** Rotary position embedding over two halves of each head. */
export interface RopeConfig {
  readonly theta: number;
  readonly scaling: null | Llama3Scaling;
}

/**
 * The stretching of rotary wavelengths that came with Llama 3.1: long ones by
 * `factor`, short ones not, those between smoothly.
 */
export interface Llama3Scaling {
  readonly kind: "llama3";
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalMaxPositions: number;
}

/** A parameter: its name in a Hugging Face folder, and its shape. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** `model_type` in config.json → what reads the rest of it. */
const FAMILIES: ReadonlyMap<string, (fields: JsonFields) => DecoderConfig> =
  new Map([["llama", llamaConfig]]);

/**
 * Reads config.json of a Hugging Face model folder, and the ids of the special
 * tokens from generation_config.json where that has them.
 *
 * @throws Error that names file and field: not there, of a wrong type, or
 * asking for what this decoder does not do.
 */
export async function readConfig(folder: string): Promise<DecoderConfig> {
  const fields = await readJsonFields(join(folder, "config.json"));
  const read = FAMILIES.get(fields.text("model_type"));
  if (!read) {
    const known = [...FAMILIES.keys()].join(", ");
    throw fields.error("model_type", `one of: ${known}`);
  }
  const config = read(fields);
  const path = join(folder, "generation_config.json");
  const generation = await readOptionalJsonFields(path);
  if (!generation) return config;
  return {
    ...config,
    eosIds: generation.tokenIds("eos_token_id", config.eosIds),
  };
}

/**
 * The parameters of a model, in the order in which a forward pass uses them.
 * A linear layer's weight has shape `[outputs, inputs]`.
 */
export function parameterNames(config: DecoderConfig): Parameter[] {
  const { vocabSize, hiddenSize, layers, tiedHead } = config;
  const embedding = [vocabSize, hiddenSize];
  return [
    { name: "model.embed_tokens.weight", shape: embedding },
    ...Array.from({ length: layers }, (_, i) => layerParameters(config, i))
      .flat(),
    { name: "model.norm.weight", shape: [hiddenSize] },
    ...(tiedHead ? [] : [{ name: "lm_head.weight", shape: embedding }]),
  ];
}

/** Elements of all parameters together. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/**
 * Rotary frequencies of the pairs of a head's elements, in radians a position:
 * `theta^(−2i/headDim)` for `i < headDim/2`, stretched where the model says so.
 * Computed in float64 and rounded once; transformers' `_compute_llama3_parameters`
 * and its default are the same formulas in float32.
 */
export function inverseFrequencies(
  { headDim, rope: { theta, scaling } }: Pick<
    DecoderConfig,
    "headDim" | "rope"
  >,
): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = theta ** (-2 * i / headDim);
    return scaling ? stretch(frequency, scaling) : frequency;
  });
}

function layerParameters(config: DecoderConfig, layer: number): Parameter[] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = config;
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  const shapes: Readonly<Record<string, readonly number[]>> = {
    "input_layernorm": [hiddenSize],
    "self_attn.q_proj": [queries, hiddenSize],
    "self_attn.k_proj": [keys, hiddenSize],
    "self_attn.v_proj": [keys, hiddenSize],
    "self_attn.o_proj": [hiddenSize, queries],
    "post_attention_layernorm": [hiddenSize],
    "mlp.gate_proj": [intermediateSize, hiddenSize],
    "mlp.up_proj": [intermediateSize, hiddenSize],
    "mlp.down_proj": [hiddenSize, intermediateSize],
  };
  return Object.entries(shapes).map(([module, shape]) => ({
    name: `model.layers.${layer}.${module}.weight`,
    shape,
  }));
}

function stretch(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor, highFrequencyFactor } = scaling;
  /** How many waves fit into the positions of the original training. */
  const waves = scaling.originalMaxPositions * frequency / (2 * Math.PI);
  if (waves > highFrequencyFactor) return frequency;
  if (waves < lowFrequencyFactor) return frequency / factor;
  const smooth = (waves - lowFrequencyFactor) /
    (highFrequencyFactor - lowFrequencyFactor);
  return frequency * ((1 - smooth) / factor + smooth);
}
