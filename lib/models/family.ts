import type { DecoderConfig } from "./config.ts";
import type { ConfigReader } from "./config_json/config_reader.ts";
import type { GgufTensor } from "./gguf/gguf_file.ts";
import type { Metadata } from "./gguf/metadata.ts";

/** Models that are built alike, under one or more names. */
export interface Family {
  /** The values of config.json's `model_type` that the family serves. */
  readonly types: Readonly<Record<string, ModelType>>;
  /** Values that are refused → the expected one, and how to get there. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** Models with one `model_type`. */
export interface ModelType {
  /**
   * Reads config.json.
   *
   * @throws Error for a field that is missing, of a wrong type, or unsupported.
   */
  readonly read: (fields: ConfigReader) => DecoderConfig;
  /** Their form in GGUF files; absent if files hold them as another type. */
  readonly gguf?: GgufMapping;
}

/**
 * The mapping from a GGUF file to a Hugging Face folder. Names and arrangement of
 * tensors follow from the configuration.
 */
export interface GgufMapping {
  /** Its `general.architecture`. @default the model type */
  readonly architecture?: string;
  /** The class of transformers that config.json names. */
  readonly transformersClass: string;
  /**
   * Fields of config.json.
   *
   * @throws Error for a field that is missing, of a wrong type, or unsupported.
   */
  readonly config: (model: GgufModel) => ConfigFields;
  /**
   * Whether the elements of a rotary pair lie side by side in queries and keys,
   * rather than in two halves of a head. @default false
   */
  readonly interleaved?: boolean;
}

/** The parts of a GGUF file that decide its model's configuration. */
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
