import { join } from "node:path";
import {
  type Architecture,
  architectureOf,
  type Variations,
} from "./architecture.ts";
import {
  gemma2Config,
  gemma3Config,
  gemmaConfig,
  refuseImages,
} from "./families/gemma.ts";
import { gpt2Config } from "./families/gpt2.ts";
import { gptNeoxConfig } from "./families/gpt_neox.ts";
import { graniteConfig } from "./families/granite.ts";
import { llamaConfig } from "./families/llama.ts";
import { mistralConfig } from "./families/mistral.ts";
import { olmo2Config, olmoConfig } from "./families/olmo.ts";
import { phi3Config } from "./families/phi3.ts";
import { qwen2Config, qwen3Config } from "./families/qwen.ts";
import { smolLm3Config } from "./families/smollm3.ts";
import { stableLmConfig } from "./families/stablelm.ts";
import { starcoder2Config } from "./families/starcoder2.ts";
import {
  type JsonFields,
  readJsonFields,
  readOptionalJsonFields,
} from "./json_fields.ts";
import { MLPS } from "./mlp_forms.ts";
import { normVectors } from "./norm_forms.ts";
import { type LinearLayer, PROJECTIONS } from "./projection_forms.ts";
import { QK_NORMS } from "./qk_norm_forms.ts";
import { elementCount } from "./safetensors_header.ts";

/**
 * Everything the decoder needs to know of a model, whatever its family: token
 * embedding, `layers` blocks of grouped-query attention and a feed-forward
 * layer, a final norm, and the head. What {@linkcode Variations} leave out is
 * as Llama has it.
 */
export interface DecoderConfig extends Partial<Variations> {
  /** Rows of the embedding, of which a tokenizer may use fewer. */
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Key and value heads; each serves `heads / kvHeads` query heads. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Added to the mean square, or variance, under the root of each norm. */
  readonly normEpsilon: number;
  /** Of all layers but those that have their own; `null` for none. */
  readonly rope: RopeConfig | null;
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
  readonly scaling: null | Llama3Scaling | LinearScaling | PairScaling;
  /** Elements of each head that are rotated, the first ones. @default headDim */
  readonly size?: number;
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

/** Every wavelength is stretched by `factor`. https://arxiv.org/abs/2306.15595 */
export interface LinearScaling {
  readonly kind: "linear";
  readonly factor: number;
}

/**
 * The wavelength of each pair is stretched by a factor of its own, and rotated
 * elements grow by `amplitude`. https://arxiv.org/abs/2309.00071,
 * https://arxiv.org/abs/2402.13753
 */
export interface PairScaling {
  readonly kind: "pairs";
  readonly factors: readonly number[];
  readonly amplitude: number;
}

/** A parameter: its name in a Hugging Face folder, and its shape there. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** `model_type` in config.json → what reads the rest of it. */
const FAMILIES: ReadonlyMap<string, (fields: JsonFields) => DecoderConfig> =
  new Map<string, (fields: JsonFields) => DecoderConfig>([
    ["llama", llamaConfig],
    ["gemma", gemmaConfig],
    ["gemma2", gemma2Config],
    ["gemma3_text", gemma3Config],
    ["gemma3", refuseImages],
    ["gpt2", gpt2Config],
    ["gpt_neox", gptNeoxConfig],
    ["granite", graniteConfig],
    ["mistral", mistralConfig],
    ["olmo", olmoConfig],
    ["olmo2", olmo2Config],
    ["phi3", phi3Config],
    ["qwen2", qwen2Config],
    ["qwen3", qwen3Config],
    ["smollm3", smolLm3Config],
    ["stablelm", stableLmConfig],
    ["starcoder2", starcoder2Config],
  ]);

/**
 * Reads config.json of a Hugging Face model folder, and the ids of the special
 * tokens from generation_config.json where that has them.
 *
 * @throws Error that names file and field: not there, of a wrong type, or
 * asking for what this decoder does not do.
 */
export async function readConfig(folder: string): Promise<DecoderConfig> {
  const fields = await readJsonFields(join(folder, "config.json"));
  const config = readerOf(fields)(fields);
  const path = join(folder, "generation_config.json");
  const generation = await readOptionalJsonFields(path);
  if (!generation) return config;
  return {
    ...config,
    eosIds: generation.tokenIds("eos_token_id", config.eosIds),
  };
}

function readerOf(fields: JsonFields): (fields: JsonFields) => DecoderConfig {
  const read = FAMILIES.get(fields.text("model_type"));
  if (read) return read;
  const readers = [...FAMILIES].filter(([, read]) => read !== refuseImages);
  const known = readers.map(([name]) => name).join(", ");
  throw fields.error("model_type", `one of: ${known}`);
}

/** The parameters of a model, in the order in which a forward pass uses them. */
export function parameterNames(config: DecoderConfig): Parameter[] {
  const architecture = architectureOf(config);
  const { names, vocabSize, hiddenSize, maxPositions } = architecture;
  const matrix = (module: string, rows: number) => ({
    name: `${module}.weight`,
    shape: [rows, hiddenSize],
  });
  return [
    matrix(names.embedding, vocabSize),
    ...names.positions ? [matrix(names.positions, maxPositions)] : [],
    ...layerNames(config).flatMap((layer) =>
      layerParameters(architecture).map(({ name, shape }) => ({
        name: `${layer}.${name}`,
        shape,
      }))
    ),
    ...normParameters(architecture, names.finalNorm, hiddenSize),
    ...config.tiedHead ? [] : [matrix(names.head, vocabSize)],
  ];
}

/**
 * Weights of the linear layers of the blocks, in forward order; the head is
 * none of them.
 *
 * @returns their shapes as `[outputs, inputs]`, whichever way they are stored.
 */
export function linearParameters(config: DecoderConfig): Parameter[] {
  const architecture = architectureOf(config);
  const layers = [
    ...attentionLinears(architecture),
    ...mlpLinears(architecture),
  ];
  return layerNames(config).flatMap((layer) =>
    layers.map(({ module, outputs, inputs }) => ({
      name: `${layer}.${module}.weight`,
      shape: [outputs, inputs],
    }))
  );
}

/** Elements of all parameters together. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function layerNames(config: DecoderConfig): string[] {
  const { names, layers } = architectureOf(config);
  return Array.from({ length: layers }, (_, i) => `${names.layers}.${i}`);
}

function layerParameters(architecture: Architecture): Parameter[] {
  const { names, hiddenSize } = architecture;
  const norm = (module: string | null) =>
    module ? normParameters(architecture, module, hiddenSize) : [];
  const linear = (layer: BiasedLayer) => linearParts(architecture, layer);
  const [o, ...qkv] = attentionLinears(architecture).toReversed();
  return [
    ...norm(names.attentionIn),
    ...qkv.toReversed().flatMap(linear),
    ...qkNorms(architecture),
    ...linear(o!),
    ...norm(names.attentionOut),
    ...norm(names.mlpIn),
    ...mlpLinears(architecture).flatMap(linear),
    ...norm(names.mlpOut),
  ];
}

type BiasedLayer = LinearLayer & { readonly biased: boolean };

function attentionLinears(architecture: Architecture): BiasedLayer[] {
  const { names, projections, biases } = architecture;
  const { hiddenSize, heads, headDim } = architecture;
  const o = { outputs: hiddenSize, inputs: heads * headDim };
  return [
    ...PROJECTIONS[projections].layers(architecture).map((layer) => ({
      ...layer,
      biased: biases.qkv,
    })),
    { module: names.attentionOutput, ...o, biased: biases.o },
  ];
}

function mlpLinears(architecture: Architecture): BiasedLayer[] {
  return MLPS[architecture.mlp].layers(architecture).map((layer) => ({
    ...layer,
    biased: architecture.biases.mlp,
  }));
}

function linearParts(
  { inputsFirst }: Architecture,
  { module, outputs, inputs, biased }: BiasedLayer,
): Parameter[] {
  const shape = inputsFirst ? [inputs, outputs] : [outputs, inputs];
  const bias = { name: `${module}.bias`, shape: [outputs] };
  return [{ name: `${module}.weight`, shape }, ...biased ? [bias] : []];
}

function qkNorms(architecture: Architecture): Parameter[] {
  const { names, qkNorm, heads, kvHeads } = architecture;
  const { vectors } = QK_NORMS[qkNorm];
  return [
    ...vectors(names.queryNorm, heads, architecture),
    ...vectors(names.keyNorm, kvHeads, architecture),
  ].map(({ name, size }) => ({ name, shape: [size] }));
}

function normParameters(
  { norm }: Architecture,
  module: string,
  size: number,
): Parameter[] {
  return normVectors(norm, module).map((name) => ({ name, shape: [size] }));
}
