import {
  readDecoder,
  slidingEverywhere,
} from "../config_json/decoder_fields.ts";
import { readRope } from "../config_json/rope_fields.ts";
import type { Family } from "../family.ts";

/**
 * Llama with a window in all layers, if any. GGUF files have it as Llama.
 * https://arxiv.org/abs/2310.06825
 */
export const mistral: Family = {
  types: {
    mistral: {
      read: (fields) => {
        const sizes = readDecoder(fields, {
          kvHeads: 8,
          epsilon: ["rms_norm_eps", 1e-6],
          maxPositions: 131_072,
          tiedHead: false,
          bosId: 1,
          eosId: 2,
        });
        const config = { ...sizes, rope: readRope(fields, sizes) };
        const window = fields.countOrNone("sliding_window", 4096);
        return { ...config, ...slidingEverywhere(config, window) };
      },
    },
  },
};
