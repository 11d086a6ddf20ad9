import { TRANSPOSED } from "../arrangement.ts";
import type { Family } from "../family.ts";
import { commonFields, layerNormEpsilon } from "../config_fields.ts";

export const gpt2: Family = {
  outer: {
    "token_embd": "transformer.wte",
    "position_embd": "transformer.wpe",
    "output_norm": "transformer.ln_f",
    "output": "lm_head",
  },
  layers: "transformer.h",
  inner: {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
  },
  arranged: {
    "attn_qkv": TRANSPOSED,
    "attn_output": TRANSPOSED,
    "ffn_up": TRANSPOSED,
    "ffn_down": TRANSPOSED,
  },
  config: (model) => {
    const { hidden_size, intermediate_size, ...sizes } = commonFields(model);
    return {
      "architectures": ["GPT2LMHeadModel"],
      "model_type": "gpt2",
      "vocab_size": sizes["vocab_size"],
      "n_embd": hidden_size,
      "n_inner": intermediate_size,
      "n_layer": sizes["num_hidden_layers"],
      "n_head": sizes["num_attention_heads"],
      "n_positions": sizes["max_position_embeddings"],
      "tie_word_embeddings": sizes["tie_word_embeddings"],
      "layer_norm_epsilon": layerNormEpsilon(model.fields),
      "activation_function": "gelu_new",
    };
  },
};
