import type { Variations } from "./architecture.ts";

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
