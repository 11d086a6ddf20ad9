import { type DecoderConfig, LLAMA_NAMES } from "lib/models/config.ts";
import { SMALL } from "./random_decoder.ts";

const ROPE = { theta: 10_000, scaling: null };
const BIASED = { qkv: true, o: true, mlp: true };

/** Decoders that together differ from Llama in every way. */
export const UNLIKE_LLAMA: readonly [name: string, DecoderConfig][] = [
  ["norms around and of heads, windows and caps", {
    ...SMALL,
    tiedHead: true,
    norm: "offset-rms",
    qkNorm: "head",
    activation: "gelu-tanh",
    biases: BIASED,
    embeddingScale: 4,
    attentionScale: 0.5,
    attentionCap: 2,
    logitCap: 3,
    perLayer: [
      { rope: { theta: 100, scaling: null }, window: 3 },
      { rope: ROPE, window: null },
    ],
    names: {
      ...LLAMA_NAMES,
      attentionOut: "post_attention_layernorm",
      mlpIn: "pre_feedforward_layernorm",
      mlpOut: "post_feedforward_layernorm",
    },
  }],
  ["parallel residuals, heads rotated in part and joined by head", {
    ...SMALL,
    kvHeads: SMALL.heads,
    rope: { ...ROPE, size: 4, scaling: { kind: "linear", factor: 2 } },
    norm: "layer",
    projections: "by head",
    mlp: "plain",
    activation: "gelu",
    // A bias of keys that are not rotated does nothing: its gradient is noise.
    biases: { ...BIASED, qkv: false },
    parallel: true,
  }],
  ["learned positions, matrices joined and the other way round", {
    ...SMALL,
    rope: null,
    logitCap: 3,
    norm: "layer",
    qkNorm: "each head",
    projections: "joined",
    mlp: "joined gate",
    inputsFirst: true,
    biases: BIASED,
    names: { ...LLAMA_NAMES, positions: "model.positions" },
  }],
  ["norms behind and of whole queries and keys, some not rotated", {
    ...SMALL,
    residualScale: 0.7,
    logitScale: 1.5,
    qkNorm: "whole",
    perLayer: [{ rope: null, window: null }, { rope: ROPE, window: 2 }],
    names: {
      ...LLAMA_NAMES,
      attentionIn: null,
      attentionOut: "attention_norm",
      mlpIn: null,
      mlpOut: "mlp_norm",
    },
  }],
];
