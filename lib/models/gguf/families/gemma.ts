import { ONE_ADDED } from "../arrangement.ts";
import type { Family } from "../family.ts";
import { headDim, llamaFields, slidingWindow } from "../config_fields.ts";
import { ATTENTION, GATED_MLP, HEAD_NORMS, LLAMA } from "./names.ts";

const SANDWICH_NORMS = {
  "attn_norm": "input_layernorm",
  "post_attention_norm": "post_attention_layernorm",
  "ffn_norm": "pre_feedforward_layernorm",
  "post_ffw_norm": "post_feedforward_layernorm",
};

const GEMMA_ARRANGED = Object.fromEntries(
  ["output_norm", ...Object.keys({ ...SANDWICH_NORMS, ...HEAD_NORMS })]
    .map((module) => [module, ONE_ADDED]),
);

export const gemma: Family = {
  ...LLAMA,
  arranged: GEMMA_ARRANGED,
  config: (model) => ({
    "architectures": ["GemmaForCausalLM"],
    "model_type": "gemma",
    ...llamaFields(model),
    "hidden_act": "gelu_pytorch_tanh",
  }),
};

export const gemma2: Family = {
  ...LLAMA,
  inner: { ...ATTENTION, ...GATED_MLP, ...SANDWICH_NORMS },
  arranged: GEMMA_ARRANGED,
  config: (model) => ({
    "architectures": ["Gemma2ForCausalLM"],
    "model_type": "gemma2",
    ...gemmaFields(model, { largest: 46 }),
    "attn_logit_softcapping": model.fields.positive(
      "attn_logit_softcapping",
      50,
    ),
    "final_logit_softcapping": model.fields.positive(
      "final_logit_softcapping",
      30,
    ),
    "sliding_window": model.fields.count("attention.sliding_window", 4096),
  }),
};

export const gemma3: Family = {
  ...LLAMA,
  inner: { ...ATTENTION, ...GATED_MLP, ...SANDWICH_NORMS, ...HEAD_NORMS },
  arranged: GEMMA_ARRANGED,
  config: (model) => ({
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    ...gemmaFields(model, { largest: 62 }),
    "rope_theta": model.fields.positive("rope.freq_base", 1_000_000),
    "rope_local_base_freq": model.fields.positive(
      "rope.freq_base_swa",
      10_000,
    ),
    "sliding_window": slidingWindow(model.fields),
    "sliding_window_pattern": 6,
    "final_logit_softcapping": model.fields.has("final_logit_softcapping")
      ? model.fields.positive("final_logit_softcapping")
      : null,
  }),
};

/** @param largest layers of the model that scales by its width, not its heads. */
function gemmaFields(
  model: Parameters<Family["config"]>[0],
  { largest }: { largest: number },
) {
  const { fields } = model;
  const size = headDim(fields);
  const { hidden_act: _silu, ...rest } = llamaFields(model);
  // The file does not say; llama.cpp knows by the number of layers, too.
  const isLargest = fields.count("block_count") === largest;
  return {
    ...rest,
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": isLargest
      ? fields.count("embedding_length") / fields.count("attention.head_count")
      : size,
  };
}
