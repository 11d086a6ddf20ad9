import type { Family } from "../family.ts";
import { hasBias, llamaFields } from "../config_fields.ts";
import { HEAD_NORMS, LLAMA } from "./names.ts";

export const qwen2: Family = {
  ...LLAMA,
  config: (model) => ({
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    ...llamaFields(model),
    "use_sliding_window": false,
  }),
};

export const qwen3: Family = {
  ...LLAMA,
  inner: { ...LLAMA.inner, ...HEAD_NORMS },
  config: (model) => ({
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    ...llamaFields(model),
    "attention_bias": hasBias(model, "attn_q"),
    "use_sliding_window": false,
  }),
};
