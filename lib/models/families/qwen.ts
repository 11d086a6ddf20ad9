import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import {
  countOrNone,
  type FamilyDefaults,
  readBiases,
  readDecoder,
  readWindows,
} from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";
import { type Family, HEAD_NORMS, LLAMA } from "../gguf/family.ts";
import { hasBias, llamaFields } from "../gguf/config_fields.ts";

const DEFAULTS = {
  kvHeads: 32,
  epsilon: ["rms_norm_eps", 1e-6],
  maxPositions: 32_768,
  tiedHead: false,
  bosId: null,
  eosId: null,
} as const;

/**
 * Qwen2 and 2.5: Llama with biases of queries, keys and values, and perhaps
 * windows in the upper layers. https://arxiv.org/abs/2407.10671
 */
export function qwen2Config(fields: JsonFields): DecoderConfig {
  const biases = { qkv: true, o: false, mlp: false };
  return { ...readQwen(fields, DEFAULTS), biases };
}

/**
 * Qwen3: without these biases, but with norms of each head's queries and keys.
 * https://arxiv.org/abs/2505.09388
 */
export function qwen3Config(fields: JsonFields): DecoderConfig {
  const config = readQwen(fields, { ...DEFAULTS, headDim: 128 });
  return { ...config, qkNorm: "head", ...readBiases(fields) };
}

function readQwen(
  fields: JsonFields,
  defaults: FamilyDefaults,
): DecoderConfig {
  const sizes = readDecoder(fields, defaults);
  const config = { ...sizes, rope: readRope(fields, sizes) };
  return { ...config, ...readSliding(fields, config) };
}

function readSliding(
  fields: JsonFields,
  { layers, rope }: Pick<DecoderConfig, "layers" | "rope">,
): Pick<DecoderConfig, "perLayer"> {
  const window = fields.flag("use_sliding_window", false)
    ? countOrNone(fields, "sliding_window", 4096)
    : null;
  const field = "max_window_layers";
  const first = fields.values[field] === 0 ? 0 : fields.count(field, 28);
  const windows = readWindows(fields, {
    layers,
    window,
    usual: (i) => window !== null && i >= first,
  });
  if (windows.every((window) => window === null)) return {};
  return { perLayer: windows.map((window) => ({ rope, window })) };
}

export const qwen2: Family = {
  ...LLAMA,
  config: (model) => ({
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    ...llamaFields(model),
    "use_sliding_window": false,
  }),
};

export const qwen3: Family = {
  ...LLAMA,
  inner: { ...LLAMA.inner, ...HEAD_NORMS },
  config: (model) => ({
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    ...llamaFields(model),
    "attention_bias": hasBias(model, "attn_q"),
    "use_sliding_window": false,
  }),
};
