import type { DecoderConfig } from "../config.ts";
import type { ConfigReader } from "../config_json/config_reader.ts";
import {
  type FamilyDefaults,
  readBiases,
  readDecoder,
  readWindows,
} from "../config_json/decoder_fields.ts";
import { readRope } from "../config_json/rope_fields.ts";
import type { Family, ModelType } from "../family.ts";
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
const qwen2: ModelType = {
  read: (fields) => ({
    ...readQwen(fields, DEFAULTS),
    biases: { qkv: true, o: false, mlp: false },
  }),
  gguf: {
    transformersClass: "Qwen2ForCausalLM",
    config: (model) => ({ ...llamaFields(model), "use_sliding_window": false }),
  },
};

/**
 * Qwen3: without these biases, but with norms of each head's queries and keys.
 * https://arxiv.org/abs/2505.09388
 */
const qwen3: ModelType = {
  read: (fields) => ({
    ...readQwen(fields, { ...DEFAULTS, headDim: 128 }),
    qkNorm: "head",
    ...readBiases(fields),
  }),
  gguf: {
    transformersClass: "Qwen3ForCausalLM",
    config: (model) => ({
      ...llamaFields(model),
      "attention_bias": hasBias(model, "attn_q"),
      "use_sliding_window": false,
    }),
  },
};

/** Qwen2, 2.5 and 3. */
export const qwen: Family = { types: { qwen2, qwen3 } };

function readQwen(
  fields: ConfigReader,
  defaults: FamilyDefaults,
): DecoderConfig {
  const sizes = readDecoder(fields, defaults);
  const config = { ...sizes, rope: readRope(fields, sizes) };
  return { ...config, ...readSliding(fields, config) };
}

function readSliding(
  fields: ConfigReader,
  { layers, rope }: Pick<DecoderConfig, "layers" | "rope">,
): Pick<DecoderConfig, "perLayer"> {
  const window = fields.flag("use_sliding_window", false)
    ? fields.countOrNone("sliding_window", 4096)
    : null;
  const field = "max_window_layers";
  const first = fields.values[field] === 0 ? 0 : fields.count(field, 28);
  const windows = readWindows(fields, {
    layers,
    window,
    slides: (i) => window !== null && i >= first,
  });
  if (windows.every((window) => window === null)) return {};
  return { perLayer: windows.map((window) => ({ rope, window })) };
}
