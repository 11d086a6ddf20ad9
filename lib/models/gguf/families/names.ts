/** Names of modules that families share: GGUF's → Hugging Face's. */
export const OUTER = {
  "token_embd": "model.embed_tokens",
  "output_norm": "model.norm",
  "output": "lm_head",
};

export const ATTENTION = {
  "attn_q": "self_attn.q_proj",
  "attn_k": "self_attn.k_proj",
  "attn_v": "self_attn.v_proj",
  "attn_output": "self_attn.o_proj",
};

export const GATED_MLP = {
  "ffn_gate": "mlp.gate_proj",
  "ffn_up": "mlp.up_proj",
  "ffn_down": "mlp.down_proj",
};

export const PRE_NORMS = {
  "attn_norm": "input_layernorm",
  "ffn_norm": "post_attention_layernorm",
};

export const HEAD_NORMS = {
  "attn_q_norm": "self_attn.q_norm",
  "attn_k_norm": "self_attn.k_norm",
};

export const LLAMA = {
  outer: OUTER,
  layers: "model.layers",
  inner: { ...ATTENTION, ...GATED_MLP, ...PRE_NORMS },
};
