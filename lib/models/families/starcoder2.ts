import { LLAMA_NAMES } from "../config.ts";
import {
  readDecoder,
  slidingEverywhere,
} from "../config_json/decoder_fields.ts";
import { readRope } from "../config_json/rope_fields.ts";
import type { Family } from "../family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  layerNormEpsilon,
} from "../gguf/config_fields.ts";
import { rotary } from "../gguf/rope_scaling.ts";

/**
 * StarCoder2: layer norms, biases everywhere, and an MLP without a gate.
 * https://arxiv.org/abs/2402.19173
 */
export const starcoder2: Family = {
  types: {
    starcoder2: {
      read: (fields) => {
        const config = readDecoder(fields, {
          kvHeads: 2,
          epsilon: ["norm_epsilon", 1e-5],
          activation: ["hidden_act", "gelu_pytorch_tanh"],
          maxPositions: 4096,
          tiedHead: true,
          bosId: 50_256,
          eosId: 50_256,
        });
        const rope = readRope(fields, config);
        const biased = fields.flag("use_bias", true);
        const window = fields.countOrNone("sliding_window", null);
        return {
          ...config,
          rope,
          norm: "layer",
          mlp: "plain",
          biases: { qkv: biased, o: biased, mlp: biased },
          names: { ...LLAMA_NAMES, up: "mlp.c_fc", down: "mlp.c_proj" },
          ...slidingEverywhere({ ...config, rope }, window),
        };
      },
      gguf: {
        transformersClass: "Starcoder2ForCausalLM",
        config: (model) => ({
          ...commonFields(model),
          "norm_epsilon": layerNormEpsilon(model.fields),
          "hidden_act": "gelu_pytorch_tanh",
          ...rotary(model, headDim(model.fields)),
          "use_bias": hasBias(model, "attn_q"),
          "sliding_window": null,
        }),
      },
    },
  },
};
