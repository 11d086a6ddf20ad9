import type { ActivationName } from "../ops/activation.ts";

/**
 * A model's architecture, whatever its family: token embedding, `layers` blocks
 * of grouped-query attention and a feed-forward layer, a final norm, and the
 * head. Absent {@linkcode Variations} are as in Llama.
 */
export interface DecoderConfig extends Partial<Variations> {
  /** Rows of the embedding; a tokenizer may use fewer. */
  readonly vocabSize: number;
  /** Numbers that stand for a token between layers. */
  readonly hiddenSize: number;
  /** Numbers inside a feed-forward layer. */
  readonly intermediateSize: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Query heads of each layer. */
  readonly heads: number;
  /** Key and value heads; each serves `heads / kvHeads` query heads. */
  readonly kvHeads: number;
  /** Numbers of one head. */
  readonly headDim: number;
  /** Added to the mean square, or variance, under the root of each norm. */
  readonly normEpsilon: number;
  /** Rotation of all layers except those in `perLayer`; `null` for none. */
  readonly rope: RopeConfig | null;
  /** Most positions of a text. */
  readonly maxPositions: number;
  /** Whether the head is the embedding. */
  readonly tiedHead: boolean;
  /** Token that begins a text; `null` for none. */
  readonly bosId: number | null;
  /** Tokens that end a text; the first is the one to write. */
  readonly eosIds: readonly number[];
}

/** Rotary position embedding over two halves of each head. */
export interface RopeConfig {
  /** Base of the wavelengths. */
  readonly theta: number;
  /** How wavelengths are stretched; `null` for not at all. */
  readonly scaling: null | Llama3Scaling | LinearScaling | PairScaling;
  /** Elements of each head that are rotated, the first ones. @default headDim */
  readonly size?: number;
}

/**
 * The stretching of rotary wavelengths that came with Llama 3.1: long ones by
 * `factor`, short ones not, those between smoothly.
 */
export interface Llama3Scaling {
  /** Name of this scaling. */
  readonly kind: "llama3";
  /** Stretches long wavelengths. */
  readonly factor: number;
  /** Long wavelengths exceed the original length divided by this. */
  readonly lowFrequencyFactor: number;
  /** Short wavelengths stay below the original length divided by this. */
  readonly highFrequencyFactor: number;
  /** Positions that the model was first trained for. */
  readonly originalMaxPositions: number;
}

/** Every wavelength is stretched by `factor`. https://arxiv.org/abs/2306.15595 */
export interface LinearScaling {
  /** Name of this scaling. */
  readonly kind: "linear";
  /** Stretches every wavelength. */
  readonly factor: number;
}

/**
 * The wavelength of each pair is stretched by a factor of its own, and rotated
 * elements grow by `amplitude`. https://arxiv.org/abs/2309.00071,
 * https://arxiv.org/abs/2402.13753
 */
export interface PairScaling {
  /** Name of this scaling. */
  readonly kind: "pairs";
  /** Factor of each pair of elements. */
  readonly factors: readonly number[];
  /** Factor of rotated elements. */
  readonly amplitude: number;
}

/** The ways in which families of decoders differ. */
export interface Variations {
  /**
   * Names of modules in a Hugging Face folder.
   *
   * @internal
   */
  readonly names: ModuleNames;
  /** How states are normalised. */
  readonly norm: NormVariant;
  /** The norm of queries and keys, before they are rotated. */
  readonly qkNorm: QkNormVariant;
  /** The projections to queries, keys and values. */
  readonly projections: ProjectionVariant;
  /** The kind of feed-forward layer. */
  readonly mlp: MlpVariant;
  /** The nonlinearity of the feed-forward layer. */
  readonly activation: ActivationName;
  /** Whether linear layers have a bias. */
  readonly biases: Readonly<Record<"qkv" | "o" | "mlp", boolean>>;
  /** Whether weights of linear layers are stored `[inputs, outputs]`. */
  readonly inputsFirst: boolean;
  /** Whether attention and MLP read the same states, rather than in turn. */
  readonly parallel: boolean;
  /** Factor of the token embeddings. */
  readonly embeddingScale: number;
  /** Factor of the outputs of attention and MLP, before they are added. */
  readonly residualScale: number;
  /** Factor of q · k; `null` for 1/√headDim. */
  readonly attentionScale: number | null;
  /** Bound of the scaled q · k by c tanh(x/c); `null` for none. */
  readonly attentionCap: number | null;
  /** Factor of the logits. */
  readonly logitScale: number;
  /** Bound of the scaled logits, likewise. */
  readonly logitCap: number | null;
  /** Attention of each layer; `null` if it is alike in all. */
  readonly perLayer: readonly LayerAttention[] | null;
}

/** Norms of the last axis: `NORMS` of decoder/layers.ts has their formulas. */
export type NormVariant = "rms" | "offset-rms" | "layer" | "bare-layer";

/** Norms of queries and keys: `QK_NORMS`. */
export type QkNormVariant = "none" | "head" | "whole" | "each head";

/** Layouts of queries, keys and values: `PROJECTIONS`. */
export type ProjectionVariant = "separate" | "joined" | "by head";

/** Feed-forward layers: `MLPS`. */
export type MlpVariant = "gated" | "joined gate" | "plain";

/** Attention of one layer, as far as layers differ. */
export interface LayerAttention {
  /** The rotation of queries and keys; `null` for none. */
  readonly rope: RopeConfig | null;
  /** The number of last positions that are visible, its own among them. */
  readonly window: number | null;
}

/**
 * Names of a decoder's modules; those of a layer are below `layers.INDEX`. The
 * model lacks norms that are `null`.
 */
export interface ModuleNames {
  readonly embedding: string;
  /** Learned positions, which are added to the embeddings. */
  readonly positions: string | null;
  readonly layers: string;
  readonly attentionIn: string | null;
  readonly attentionOut: string | null;
  readonly mlpIn: string | null;
  readonly mlpOut: string | null;
  readonly queryNorm: string;
  readonly keyNorm: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  /** Query, key and value in one. */
  readonly queryKeyValue: string;
  readonly attentionOutput: string;
  readonly gate: string;
  readonly up: string;
  /** Gate and up in one. */
  readonly gateUp: string;
  readonly down: string;
  readonly finalNorm: string;
  readonly head: string;
}

/** Llama's names, and the most common ones of modules that it lacks. */
export const LLAMA_NAMES: ModuleNames = {
  embedding: "model.embed_tokens",
  positions: null,
  layers: "model.layers",
  attentionIn: "input_layernorm",
  attentionOut: null,
  mlpIn: "post_attention_layernorm",
  mlpOut: null,
  queryNorm: "self_attn.q_norm",
  keyNorm: "self_attn.k_norm",
  query: "self_attn.q_proj",
  key: "self_attn.k_proj",
  value: "self_attn.v_proj",
  queryKeyValue: "self_attn.qkv_proj",
  attentionOutput: "self_attn.o_proj",
  gate: "mlp.gate_proj",
  up: "mlp.up_proj",
  gateUp: "mlp.gate_up_proj",
  down: "mlp.down_proj",
  finalNorm: "model.norm",
  head: "lm_head",
};

/** Llama's variations. */
const LLAMA: Variations = {
  names: LLAMA_NAMES,
  norm: "rms",
  qkNorm: "none",
  projections: "separate",
  mlp: "gated",
  activation: "silu",
  biases: { qkv: false, o: false, mlp: false },
  inputsFirst: false,
  parallel: false,
  embeddingScale: 1,
  residualScale: 1,
  attentionScale: null,
  attentionCap: null,
  logitScale: 1,
  logitCap: null,
  perLayer: null,
};

export type Architecture = DecoderConfig & Variations;

/** Completes a configuration with Llama's variations. */
export function architectureOf(config: DecoderConfig): Architecture {
  return { ...LLAMA, ...config };
}

/** Gives the attention of each layer. */
export function attentionLayers(
  config: DecoderConfig,
): readonly LayerAttention[] {
  const { perLayer, layers, rope } = architectureOf(config);
  return perLayer ?? new Array(layers).fill({ rope, window: null });
}
