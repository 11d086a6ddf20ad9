import { readLlamaLike } from "../config_json/decoder_fields.ts";
import type { Family } from "../family.ts";
import { linearBiases, llamaFields } from "../gguf/config_fields.ts";

/** Llama 1 to 3.x, SmolLM 1 and 2, and what else is built alike. */
export const llama: Family = {
  types: {
    llama: {
      read: (fields) =>
        readLlamaLike(fields, {
          epsilon: ["rms_norm_eps", 1e-6],
          maxPositions: 2048,
          tiedHead: false,
          bosId: 1,
          eosId: 2,
        }),
      gguf: {
        transformersClass: "LlamaForCausalLM",
        interleaved: true,
        config: (model) => ({ ...llamaFields(model), ...linearBiases(model) }),
      },
    },
  },
};
