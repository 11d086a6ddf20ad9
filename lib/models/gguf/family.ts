import type { Arrangement } from "./arrangement.ts";
import type { GgufTensor } from "./gguf_file.ts";
import type { Metadata } from "./metadata.ts";

/** What of a GGUF file decides its model's configuration. */
export interface GgufModel {
  /** Fields of the architecture, by their names without its name. */
  readonly fields: Metadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Rows of the embedding. */
  readonly vocabularySize: number;
  /** Reads a tensor with a number for each rotary pair, `null` without it. */
  factors(tensor: string): Float32Array | null;
}

/** A part of config.json. */
export type ConfigFields = Readonly<Record<string, unknown>>;

/** How a family of models is stored in GGUF, and in a Hugging Face folder. */
export interface Family {
  /** Fields of config.json. */
  readonly config: (model: GgufModel) => ConfigFields;
  /** Modules outside the layers: GGUF's name → Hugging Face's. */
  readonly outer: Readonly<Record<string, string>>;
  /** What the names of a layer's modules begin with, before its number. */
  readonly layers: string;
  /** Modules of a layer. */
  readonly inner: Readonly<Record<string, string>>;
  /** Modules, by GGUF's names, whose elements lie differently. */
  readonly arranged?: Readonly<Record<string, Arrangement>>;
}

/** Names of modules that families share: GGUF's → Hugging Face's. */
export const OUTER = {
  "token_embd": "model.embed_tokens",
  "output_norm": "model.norm",
  "output": "lm_head",
};

export const ATTENTION = {
  "attn_q": "self_attn.q_proj",
  "attn_k": "self_attn.k_proj",
  "attn_v": "self_attn.v_proj",
  "attn_output": "self_attn.o_proj",
};

export const GATED_MLP = {
  "ffn_gate": "mlp.gate_proj",
  "ffn_up": "mlp.up_proj",
  "ffn_down": "mlp.down_proj",
};

export const PRE_NORMS = {
  "attn_norm": "input_layernorm",
  "ffn_norm": "post_attention_layernorm",
};

export const HEAD_NORMS = {
  "attn_q_norm": "self_attn.q_norm",
  "attn_k_norm": "self_attn.k_norm",
};

export const LLAMA = {
  outer: OUTER,
  layers: "model.layers",
  inner: { ...ATTENTION, ...GATED_MLP, ...PRE_NORMS },
};
