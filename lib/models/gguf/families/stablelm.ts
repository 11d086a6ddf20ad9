import type { Family } from "../family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  layerNormEpsilon,
  rotaryShare,
} from "../config_fields.ts";
import { rotary } from "../rope_scaling.ts";
import { LLAMA } from "./names.ts";

export const stablelm: Family = {
  ...LLAMA,
  config: (model) => ({
    "architectures": ["StableLmForCausalLM"],
    "model_type": "stablelm",
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
};
