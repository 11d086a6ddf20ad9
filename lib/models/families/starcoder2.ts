import { type DecoderConfig, LLAMA_NAMES } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import {
  countOrNone,
  readDecoder,
  slidingEverywhere,
} from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";
import { ATTENTION, type Family, LLAMA, PRE_NORMS } from "../gguf/family.ts";
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
export function starcoder2Config(fields: JsonFields): DecoderConfig {
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
  const window = countOrNone(fields, "sliding_window", null);
  return {
    ...config,
    rope,
    norm: "layer",
    mlp: "plain",
    biases: { qkv: biased, o: biased, mlp: biased },
    names: { ...LLAMA_NAMES, up: "mlp.c_fc", down: "mlp.c_proj" },
    ...slidingEverywhere({ ...config, rope }, window),
  };
}

export const starcoder2: Family = {
  ...LLAMA,
  inner: {
    ...ATTENTION,
    ...PRE_NORMS,
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
  },
  config: (model) => ({
    "architectures": ["Starcoder2ForCausalLM"],
    "model_type": "starcoder2",
    ...commonFields(model),
    "norm_epsilon": layerNormEpsilon(model.fields),
    "hidden_act": "gelu_pytorch_tanh",
    ...rotary(model, headDim(model.fields)),
    "use_bias": hasBias(model, "attn_q"),
    "sliding_window": null,
  }),
};
