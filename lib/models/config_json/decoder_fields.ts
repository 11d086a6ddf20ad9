import type { ActivationName } from "../../ops/activation.ts";
import type { DecoderConfig } from "../config.ts";
import type { ConfigReader } from "./config_reader.ts";
import { readRope } from "./rope_fields.ts";

/** What a family has for fields that are absent, as transformers' class does. */
export interface FamilyDefaults {
  /** Of `num_key_value_heads`. @default as many as query heads */
  readonly kvHeads?: number;
  /** Of `head_dim`. @default hidden_size / num_attention_heads */
  readonly headDim?: number;
  /** What the norms' epsilon is called, and what it is. */
  readonly epsilon: readonly [field: string, value: number];
  /** The activation's, likewise. @default hidden_act, silu */
  readonly activation?: readonly [field: string, value: string];
  readonly maxPositions: number;
  readonly tiedHead: boolean;
  readonly bosId: number | null;
  readonly eosId: number | null;
}

/**
 * Reads the fields that most families have under the names that Llama's
 * config.json gave them, but the rotary ones. Those that say how large a model
 * is must be there.
 *
 * @throws Error for a field that is missing, of a wrong type, or unsupported.
 */
export function readDecoder(
  fields: ConfigReader,
  defaults: FamilyDefaults,
): Omit<DecoderConfig, "rope"> {
  refuseQuantized(fields);
  const hiddenSize = fields.count("hidden_size");
  const heads = fields.few("num_attention_heads");
  const [epsilonField, epsilon] = defaults.epsilon;
  const { bosId, eosId } = defaults;
  return {
    vocabSize: fields.count("vocab_size"),
    hiddenSize,
    intermediateSize: fields.count("intermediate_size"),
    layers: fields.few("num_hidden_layers"),
    heads,
    kvHeads: readKvHeads(fields, { heads, absent: defaults.kvHeads ?? heads }),
    headDim: readHeadDim(fields, defaults.headDim ?? hiddenSize / heads),
    normEpsilon: fields.positive(epsilonField, epsilon),
    maxPositions: fields.count(
      "max_position_embeddings",
      defaults.maxPositions,
    ),
    tiedHead: fields.flag("tie_word_embeddings", defaults.tiedHead),
    bosId: fields.tokenIds("bos_token_id", listed(bosId))[0] ?? null,
    eosIds: fields.tokenIds("eos_token_id", listed(eosId)),
    ...readActivation(fields, defaults.activation),
  };
}

/** Reads a model of Llama's fields: rotary ones and flags of biases, too. */
export function readLlamaLike(
  fields: ConfigReader,
  defaults: FamilyDefaults,
): DecoderConfig {
  const config = readDecoder(fields, defaults);
  return { ...config, rope: readRope(fields, config), ...readBiases(fields) };
}

/** What transformers calls activations → what they are here. */
const ACTIVATIONS: ReadonlyMap<string, ActivationName> = new Map([
  ["silu", "silu"],
  ["swish", "silu"],
  ["gelu", "gelu"],
  ["gelu_python", "gelu"],
  ["gelu_new", "gelu-tanh"],
  ["gelu_fast", "gelu-tanh"],
  ["gelu_pytorch_tanh", "gelu-tanh"],
]);

/** The activation, which is left out where it is Llama's. */
export function readActivation(
  fields: ConfigReader,
  [field, usual]: readonly [string, string] = ["hidden_act", "silu"],
): { activation?: ActivationName } {
  const activation = ACTIVATIONS.get(fields.text(field, usual));
  if (!activation) {
    const known = [...ACTIVATIONS.keys()].join(", ");
    throw fields.error(field, `one of: ${known}`);
  }
  return activation === "silu" ? {} : { activation };
}

/** Biases where fields say so, which are left out where there are none. */
export function readBiases(
  fields: ConfigReader,
): Pick<DecoderConfig, "biases"> {
  const attention = fields.flag("attention_bias", false);
  const mlp = fields.flag("mlp_bias", false);
  if (!attention && !mlp) return {};
  return { biases: { qkv: attention, o: attention, mlp } };
}

/**
 * Refuses whatever changes the mathematics to what this decoder does not do.
 *
 * @param only field → the one value that is supported.
 * @throws Error for a field with another value.
 */
export function refuseOthers(
  fields: ConfigReader,
  only: Readonly<Record<string, string | number | boolean>>,
): void {
  for (const [name, value] of Object.entries(only)) {
    if (!fields.has(name) || fields.values[name] === value) continue;
    throw fields.error(
      name,
      `${JSON.stringify(value)}, all that is supported`,
    );
  }
}

export function refuseQuantized(fields: ConfigReader): void {
  if (!fields.has("quantization_config")) return;
  throw fields.error(
    "quantization_config",
    "none: quantized weights are not supported",
  );
}

/** A whole number, or none: `null`, unlike absence. */
export const countOrNone = orNone((fields, name) => fields.count(name));

/** A number above zero, or none: `null`, unlike absence. */
export const positiveOrNone = orNone((fields, name) => fields.positive(name));

function orNone(read: (fields: ConfigReader, name: string) => number) {
  return (
    fields: ConfigReader,
    name: string,
    absent: number | null,
  ): number | null => {
    if (fields.values[name] === undefined) return absent;
    return fields.has(name) ? read(fields, name) : null;
  };
}

/** A list of so many numbers above zero. */
export function positives(
  fields: ConfigReader,
  name: string,
  length: number,
): readonly number[] {
  const value = fields.values[name];
  if (
    Array.isArray(value) && value.length === length &&
    value.every((x) => typeof x === "number" && x > 0)
  ) return value;
  throw fields.error(name, `${length} numbers above 0`);
}

/** `null` is as many as query heads, whatever the family's default. */
function readKvHeads(
  fields: ConfigReader,
  { heads, absent }: { heads: number; absent: number },
): number {
  const kvHeads = countOrNone(fields, "num_key_value_heads", absent) ?? heads;
  if (heads % kvHeads === 0) return kvHeads;
  throw fields.error("num_key_value_heads", `a divisor of ${heads} heads`);
}

/** A hundred times the largest in use: something is made for each pair. */
const MAX_HEAD_DIM = 1 << 16;

function readHeadDim(fields: ConfigReader, usual: number): number {
  const headDim = fields.count("head_dim", usual);
  if (headDim % 2 === 0 && headDim <= MAX_HEAD_DIM) return headDim;
  throw fields.error(
    "head_dim",
    `an even number, for rotary pairs, at most ${MAX_HEAD_DIM}`,
  );
}

function listed(id: number | null): readonly number[] {
  return id === null ? [] : [id];
}

/** Whether a layer sees the last positions only. */
type LayerType = "sliding_attention" | "full_attention";

/**
 * The window of each layer, `null` where it sees everything.
 *
 * @param usual whether layer i slides where `layer_types` does not say.
 * @throws Error where `layer_types` is not a list of as many known types, or
 * has layers slide without a window.
 */
export function readWindows(
  fields: ConfigReader,
  { layers, window, usual }: {
    layers: number;
    window: number | null;
    usual: (layer: number) => boolean;
  },
): (number | null)[] {
  const types = readTypes(fields, layers);
  return Array.from({ length: layers }, (_, i) => {
    const slides = types ? types[i] === "sliding_attention" : usual(i);
    if (!slides) return null;
    if (window !== null) return window;
    throw fields.error("sliding_window", "the window of layers that slide");
  });
}

/** Every layer with the same window; nothing where there is none. */
export function slidingEverywhere(
  { layers, rope }: Pick<DecoderConfig, "layers" | "rope">,
  window: number | null,
): Pick<DecoderConfig, "perLayer"> {
  if (window === null) return {};
  return { perLayer: new Array(layers).fill({ rope, window }) };
}

function readTypes(fields: ConfigReader, layers: number): LayerType[] | null {
  const name = "layer_types";
  if (!fields.has(name)) return null;
  const list = fields.values[name];
  if (
    Array.isArray(list) && list.length === layers && list.every(isLayerType)
  ) return list;
  throw fields.error(
    name,
    `${layers} times sliding_attention or full_attention`,
  );
}

function isLayerType(type: unknown): type is LayerType {
  return type === "sliding_attention" || type === "full_attention";
}
