import { LLAMA_NAMES } from "../config.ts";
import { readDecoder } from "../config_json/decoder_fields.ts";
import { readRope } from "../config_json/rope_fields.ts";
import type { Family } from "../family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  layerNormEpsilon,
  rotaryShare,
} from "../gguf/config_fields.ts";
import { rotary } from "../gguf/rope_scaling.ts";

/**
 * StableLM: Llama with layer norms, a quarter of each head rotated, and perhaps
 * biases, norms of each query and key head, and an MLP beside attention.
 * https://arxiv.org/abs/2402.17834
 */
export const stableLm: Family = {
  types: {
    stablelm: {
      read: (fields) => {
        const config = readDecoder(fields, {
          kvHeads: 32,
          epsilon: ["layer_norm_eps", 1e-5],
          maxPositions: 4096,
          tiedHead: false,
          bosId: 0,
          eosId: 0,
        });
        const parallel = fields.flag("use_parallel_residual", false);
        return {
          ...config,
          rope: readRope(fields, {
            ...config,
            rotaryShare: ["partial_rotary_factor", 0.25],
          }),
          norm: "layer",
          qkNorm: fields.flag("qk_layernorm", false) ? "each head" : "none",
          biases: {
            qkv: fields.flag("use_qkv_bias", false),
            o: false,
            mlp: false,
          },
          parallel,
          // Side by side, both read what one norm gives.
          names: {
            ...LLAMA_NAMES,
            queryNorm: "self_attn.q_layernorm",
            keyNorm: "self_attn.k_layernorm",
            ...parallel && { mlpIn: null },
          },
        };
      },
      gguf: {
        transformersClass: "StableLmForCausalLM",
        config: (model) => ({
          ...commonFields(model),
          "layer_norm_eps": layerNormEpsilon(model.fields),
          "hidden_act": "silu",
          ...rotary(model, headDim(model.fields)),
          "partial_rotary_factor": rotaryShare(model.fields),
          // One norm serves attention and MLP, whatever the file's field says.
          "use_parallel_residual": !model.tensors.has("blk.0.ffn_norm.weight"),
          "use_qkv_bias": hasBias(model, "attn_q"),
          "qk_layernorm": false,
        }),
      },
    },
  },
};
