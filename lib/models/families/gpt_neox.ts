import { LLAMA_NAMES, type ModuleNames } from "../config.ts";
import { readDecoder } from "../config_json/decoder_fields.ts";
import { readRope } from "../config_json/rope_fields.ts";
import type { Family } from "../family.ts";
import {
  commonFields,
  headDim,
  layerNormEpsilon,
  rotaryShare,
} from "../gguf/config_fields.ts";
import { ropeScaling, ropeTheta } from "../gguf/rope_scaling.ts";

const NAMES: ModuleNames = {
  ...LLAMA_NAMES,
  embedding: "gpt_neox.embed_in",
  layers: "gpt_neox.layers",
  queryKeyValue: "attention.query_key_value",
  attentionOutput: "attention.dense",
  up: "mlp.dense_h_to_4h",
  down: "mlp.dense_4h_to_h",
  finalNorm: "gpt_neox.final_layer_norm",
  head: "embed_out",
};

/**
 * GPT-NeoX and Pythia: layer norms, biases, a quarter of each head rotated, an
 * MLP without a gate beside attention. https://arxiv.org/abs/2204.06745
 */
export const gptNeox: Family = {
  types: {
    "gpt_neox": {
      read: (fields) => {
        const config = readDecoder(fields, {
          epsilon: ["layer_norm_eps", 1e-5],
          activation: ["hidden_act", "gelu"],
          maxPositions: 2048,
          tiedHead: false,
          bosId: 0,
          eosId: 2,
        });
        const biased = fields.flag("attention_bias", true);
        return {
          ...config,
          rope: readRope(fields, {
            ...config,
            theta: ["rotary_emb_base", 10_000],
            rotaryShare: ["rotary_pct", 0.25],
          }),
          norm: "layer",
          projections: "by head",
          mlp: "plain",
          biases: { qkv: biased, o: biased, mlp: true },
          parallel: fields.flag("use_parallel_residual", true),
          names: NAMES,
        };
      },
      gguf: {
        architecture: "gptneox",
        transformersClass: "GPTNeoXForCausalLM",
        config: (model) => {
          const { num_key_value_heads: _heads, ...sizes } = commonFields(model);
          const { fields } = model;
          return {
            ...sizes,
            "layer_norm_eps": layerNormEpsilon(fields),
            "hidden_act": "gelu",
            "rotary_pct": rotaryShare(fields),
            "rotary_emb_base": ropeTheta(fields),
            "rope_scaling": ropeScaling(model, headDim(fields)),
            "use_parallel_residual": fields.flag("use_parallel_residual", true),
          };
        },
      },
    },
  },
};
