import type { Family } from "../family.ts";
import {
  commonFields,
  hasBias,
  headDim,
  layerNormEpsilon,
} from "../config_fields.ts";
import { rotary } from "../rope_scaling.ts";
import { ATTENTION, LLAMA, PRE_NORMS } from "./names.ts";

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
