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
