import { FUSED_BY_HEAD } from "../arrangement.ts";
import type { Family } from "../family.ts";
import {
  commonFields,
  headDim,
  layerNormEpsilon,
  rotaryShare,
} from "../config_fields.ts";
import { ropeScaling, ropeTheta } from "../rope_scaling.ts";
import { PRE_NORMS } from "./names.ts";

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
