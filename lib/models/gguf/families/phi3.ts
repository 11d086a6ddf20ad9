import type { ConfigFields, Family, GgufModel } from "../family.ts";
import { shortest } from "../metadata_value.ts";
import {
  commonFields,
  headDim,
  rmsNorm,
  rotaryShare,
  slidingWindow,
} from "../config_fields.ts";
import { ropeScaling, ropeTheta } from "../rope_scaling.ts";
import { OUTER, PRE_NORMS } from "./names.ts";

export const phi3: Family = {
  outer: OUTER,
  layers: "model.layers",
  inner: {
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_up": "mlp.gate_up_proj",
    "ffn_down": "mlp.down_proj",
    ...PRE_NORMS,
  },
  config: (model) => {
    const { fields } = model;
    const positions = fields.count("context_length");
    return {
      "architectures": ["Phi3ForCausalLM"],
      "model_type": "phi3",
      ...commonFields(model),
      ...rmsNorm(fields),
      "hidden_act": "silu",
      "rope_theta": ropeTheta(fields),
      "rope_scaling": longRope(model) ?? ropeScaling(model, headDim(fields)),
      "partial_rotary_factor": rotaryShare(fields),
      "original_max_position_embeddings": fields.count(
        "rope.scaling.original_context_length",
        positions,
      ),
      "sliding_window": slidingWindow(fields),
    };
  },
};

/** LongRoPE, which nothing but its factors announces; `null` without them. */
function longRope({ fields, factors }: GgufModel): ConfigFields | null {
  const short = factors("rope_factors_short.weight");
  const long = factors("rope_factors_long.weight");
  if (!short || !long) return null;
  return {
    "rope_type": "longrope",
    "short_factor": Array.from(short, shortest),
    "long_factor": Array.from(long, shortest),
    "attention_factor": fields.positive("rope.scaling.attn_factor", 1),
  };
}
