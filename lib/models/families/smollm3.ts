import type { ConfigReader } from "../config_json/config_reader.ts";
import {
  readBiases,
  readDecoder,
  readWindows,
} from "../config_json/decoder_fields.ts";
import { readRope } from "../config_json/rope_fields.ts";
import type { Family, ModelType } from "../family.ts";
import { linearBiases, llamaFields } from "../gguf/config_fields.ts";

/**
 * Llama of which every fourth layer does not rotate.
 * https://arxiv.org/abs/2501.18795
 */
const smollm3: ModelType = {
  read: (fields) => {
    const config = readDecoder(fields, {
      kvHeads: 4,
      epsilon: ["rms_norm_eps", 1e-6],
      maxPositions: 32_768,
      tiedHead: true,
      bosId: 128_000,
      eosId: 128_001,
    });
    const rope = readRope(fields, {
      ...config,
      theta: ["rope_theta", 2_000_000],
    });
    const rotates = readRotating(fields, config.layers);
    const window = fields.flag("use_sliding_window", false)
      ? fields.countOrNone("sliding_window", null)
      : null;
    const windows = readWindows(fields, {
      layers: config.layers,
      window,
      slides: (i) => window !== null && !rotates[i],
    });
    const perLayer = windows.map((window, i) => ({
      rope: rotates[i] ? rope : null,
      window,
    }));
    return { ...config, rope, ...readBiases(fields), perLayer };
  },
  gguf: {
    transformersClass: "SmolLM3ForCausalLM",
    interleaved: true,
    config: (model) => ({
      ...llamaFields(model),
      ...linearBiases(model),
      "no_rope_layer_interval": 4,
      "use_sliding_window": false,
    }),
  },
};

/** SmolLM3. */
export const smolLm3: Family = { types: { smollm3 } };

/** `no_rope_layers` is 0 for layers that do not rotate, whatever it is called. */
function readRotating(fields: ConfigReader, layers: number): boolean[] {
  const interval = fields.count("no_rope_layer_interval", 4);
  const name = "no_rope_layers";
  const list = fields.has(name)
    ? fields.values[name]
    : Array.from({ length: layers }, (_, i) => Number((i + 1) % interval > 0));
  if (
    Array.isArray(list) && list.length === layers &&
    list.every((each) => each === 0 || each === 1)
  ) return list.map(Boolean);
  throw fields.error(name, `${layers} times 0 or 1`);
}
