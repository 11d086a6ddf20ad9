import type { ActivationName } from "../ops/activation.ts";
import type { DecoderConfig, RopeConfig } from "./config.ts";
import type { MlpForm } from "./decoder/mlp_forms.ts";
import type { NormForm } from "./decoder/norm_forms.ts";
import type { ProjectionForm } from "./decoder/projection_forms.ts";
import type { QkNormForm } from "./decoder/qk_norm_forms.ts";

/** What families of decoders do in different ways. */
export interface Variations {
  /** What their modules are called in a Hugging Face folder. */
  readonly names: ModuleNames;
  readonly norm: NormForm;
  /** How queries and keys are normalised before they are rotated. */
  readonly qkNorm: QkNormForm;
  /** How queries, keys and values are projected. */
  readonly projections: ProjectionForm;
  readonly mlp: MlpForm;
  readonly activation: ActivationName;
  /** Which linear layers have a bias. */
  readonly biases: Readonly<Record<"qkv" | "o" | "mlp", boolean>>;
  /** Whether weights of linear layers are stored `[inputs, outputs]`. */
  readonly inputsFirst: boolean;
  /** Whether attention and MLP read the same states, rather than in turn. */
  readonly parallel: boolean;
  /** Factor of the token embeddings. */
  readonly embeddingScale: number;
  /** Factor of what attention and MLP add to what they read. */
  readonly residualScale: number;
  /** Factor of q · k; `null` for 1/√headDim. */
  readonly attentionScale: number | null;
  /** Bound of the scaled q · k by c tanh(x/c); `null` for none. */
  readonly attentionCap: number | null;
  /** Factor of the logits. */
  readonly logitScale: number;
  /** Bound of the scaled logits, likewise. */
  readonly logitCap: number | null;
  /** Attention of each layer; `null` where it is alike in all. */
  readonly perLayer: readonly LayerAttention[] | null;
}

/** What may differ from one layer's attention to the next. */
export interface LayerAttention {
  /** `null` where queries and keys are not rotated. */
  readonly rope: RopeConfig | null;
  /** How many of the last positions are visible, its own among them. */
  readonly window: number | null;
}

/**
 * Modules of a decoder. Those of a layer stand below `layers.INDEX`; a norm
 * that is `null` is not there.
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
  /** All three in one. */
  readonly queryKeyValue: string;
  readonly attentionOutput: string;
  readonly gate: string;
  readonly up: string;
  /** Both in one. */
  readonly gateUp: string;
  readonly down: string;
  readonly finalNorm: string;
  readonly head: string;
}

/** Llama's, and of what it does not have the usual names. */
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

/** Llama's ways. */
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

/** A configuration with all it leaves to be as Llama has it. */
export function architectureOf(config: DecoderConfig): Architecture {
  return { ...LLAMA, ...config };
}

/** Attention of each layer. */
export function attentionLayers(
  config: DecoderConfig,
): readonly LayerAttention[] {
  const { perLayer, layers, rope } = architectureOf(config);
  return perLayer ?? new Array(layers).fill({ rope, window: null });
}
