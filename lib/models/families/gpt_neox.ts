import {
  type DecoderConfig,
  LLAMA_NAMES,
  type ModuleNames,
} from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { readDecoder } from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";
import { FUSED_BY_HEAD } from "../gguf/arrangement.ts";
import { type Family, PRE_NORMS } from "../gguf/family.ts";
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
export function gptNeoxConfig(fields: JsonFields): DecoderConfig {
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
}

export const gptneox: Family = {
  outer: {
    "token_embd": "gpt_neox.embed_in",
    "output_norm": "gpt_neox.final_layer_norm",
    "output": "embed_out",
  },
  layers: "gpt_neox.layers",
  inner: {
    ...PRE_NORMS,
    "attn_qkv": "attention.query_key_value",
    "attn_output": "attention.dense",
    "ffn_up": "mlp.dense_h_to_4h",
    "ffn_down": "mlp.dense_4h_to_h",
  },
  arranged: { "attn_qkv": FUSED_BY_HEAD },
  config: (model) => {
    const { num_key_value_heads: _heads, ...sizes } = commonFields(model);
    return {
      "architectures": ["GPTNeoXForCausalLM"],
      "model_type": "gpt_neox",
      ...sizes,
      "layer_norm_eps": layerNormEpsilon(model.fields),
      "hidden_act": "gelu",
      "rotary_pct": rotaryShare(model.fields),
      "rotary_emb_base": ropeTheta(model.fields),
      "rope_scaling": ropeScaling(model, headDim(model.fields)),
      "use_parallel_residual": model.fields.flag("use_parallel_residual", true),
    };
  },
};
