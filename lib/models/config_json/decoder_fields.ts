import type { ActivationName } from "../../ops/activation.ts";
import type { DecoderConfig } from "../config.ts";
import type { ConfigReader } from "./config_reader.ts";
import { readRope } from "./rope_fields.ts";

/** A family's values of absent fields, as transformers' class has them. */
export interface FamilyDefaults {
  /** `num_key_value_heads`. @default as many as query heads */
  readonly kvHeads?: number;
  /** `head_dim`. @default hidden_size / num_attention_heads */
  readonly headDim?: number;
  /** Name and value of the norms' epsilon. */
  readonly epsilon: readonly [field: string, value: number];
  /** Name and value of the activation. @default hidden_act, silu */
  readonly activation?: readonly [field: string, value: string];
  readonly maxPositions: number;
  readonly tiedHead: boolean;
  readonly bosId: number | null;
  readonly eosId: number | null;
}

/**
 * Reads the fields that most families share with Llama by name, except the
 * rotary ones. Sizes of the model are required.
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

/** Reads all of Llama's fields, the rotary ones and flags of biases too. */
export function readLlamaLike(
  fields: ConfigReader,
  defaults: FamilyDefaults,
): DecoderConfig {
  const config = readDecoder(fields, defaults);
  return { ...config, rope: readRope(fields, config), ...readBiases(fields) };
}

/** Activations by their names in transformers. */
const ACTIVATIONS: ReadonlyMap<string, ActivationName> = new Map([
  ["silu", "silu"],
  ["swish", "silu"],
  ["gelu", "gelu"],
  ["gelu_python", "gelu"],
  ["gelu_new", "gelu-tanh"],
  ["gelu_fast", "gelu-tanh"],
  ["gelu_pytorch_tanh", "gelu-tanh"],
]);

/** Reads the activation, which is left out if it is Llama's. */
export function readActivation(
  fields: ConfigReader,
  [field, fallback]: readonly [string, string] = ["hidden_act", "silu"],
): { activation?: ActivationName } {
  const activation = ACTIVATIONS.get(fields.text(field, fallback));
  if (!activation) {
    const known = [...ACTIVATIONS.keys()].join(", ");
    throw fields.error(field, `one of: ${known}`);
  }
  return activation === "silu" ? {} : { activation };
}

/** Reads which linear layers have biases, which is left out if none has. */
export function readBiases(
  fields: ConfigReader,
): Pick<DecoderConfig, "biases"> {
  const attention = fields.flag("attention_bias", false);
  const mlp = fields.flag("mlp_bias", false);
  if (!attention && !mlp) return {};
  return { biases: { qkv: attention, o: attention, mlp } };
}

/**
 * Refuses settings whose mathematics this decoder does not have.
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
  // mlx-lm calls it by the shorter name.
  const field = ["quantization_config", "quantization"]
    .find((name) => fields.has(name));
  if (field === undefined) return;
  throw fields.error(field, "none: quantized weights are not supported");
}

/** `null` means as many as query heads, whatever the family's default. */
function readKvHeads(
  fields: ConfigReader,
  { heads, absent }: { heads: number; absent: number },
): number {
  const kvHeads = fields.countOrNone("num_key_value_heads", absent) ?? heads;
  if (heads % kvHeads === 0) return kvHeads;
  throw fields.error("num_key_value_heads", `a divisor of ${heads} heads`);
}

/** A hundred times the largest in use; each pair takes memory. */
const MAX_HEAD_DIM = 1 << 16;

function readHeadDim(fields: ConfigReader, fallback: number): number {
  const headDim = fields.count("head_dim", fallback);
  if (headDim % 2 === 0 && headDim <= MAX_HEAD_DIM) return headDim;
  throw fields.error(
    "head_dim",
    `an even number, for rotary pairs, at most ${MAX_HEAD_DIM}`,
  );
}

function listed(id: number | null): readonly number[] {
  return id === null ? [] : [id];
}

/** The kind of a layer's attention: to the last positions only, or to all. */
type LayerType = "sliding_attention" | "full_attention";

/**
 * Reads the window of each layer, `null` for a layer that sees everything.
 *
 * @param slides tells whether layer i slides, in the absence of `layer_types`.
 * @throws Error if `layer_types` is not a list of as many known types, or has
 * layers slide without a window.
 */
export function readWindows(
  fields: ConfigReader,
  { layers, window, slides }: {
    layers: number;
    window: number | null;
    slides: (layer: number) => boolean;
  },
): (number | null)[] {
  const types = readTypes(fields, layers);
  return Array.from({ length: layers }, (_, i) => {
    if (types ? types[i] === "full_attention" : !slides(i)) return null;
    if (window !== null) return window;
    throw fields.error("sliding_window", "the window of layers that slide");
  });
}

/** Gives every layer the same window, if there is one. */
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
