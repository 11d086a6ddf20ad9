import {
  readDecoder,
  slidingEverywhere,
} from "../config_json/decoder_fields.ts";
import { readRope, type ScalingReader } from "../config_json/rope_fields.ts";
import type { ConfigFields, Family, GgufModel, ModelType } from "../family.ts";
import {
  commonFields,
  headDim,
  rmsNorm,
  rotaryShare,
  slidingWindow,
} from "../gguf/config_fields.ts";
import { shortest } from "../gguf/metadata.ts";
import { ropeScaling, ropeTheta } from "../gguf/rope_scaling.ts";

/**
 * Phi-3, 3.5 and 4-mini: Llama with matrices joined, and perhaps a window.
 * https://arxiv.org/abs/2404.14219
 *
 * Those with LongRoPE have one stretching for texts within the positions of
 * their first training and another beyond: they are read as having no more
 * positions than those.
 */
const type: ModelType = {
  read: (fields) => {
    const config = readDecoder(fields, {
      epsilon: ["rms_norm_eps", 1e-5],
      maxPositions: 4096,
      tiedHead: false,
      bosId: 1,
      eosId: 32_000,
    });
    const { maxPositions } = config;
    const original = fields.count("original_max_position_embeddings", 4096);
    const longRope: ScalingReader = (rope, { size }) => {
      const growth = rope.positive("factor", maxPositions / original);
      const fallback = Math.sqrt(1 + Math.log(growth) / Math.log(original));
      return {
        kind: "pairs",
        factors: rope.positives("short_factor", size / 2),
        amplitude: rope.positive("attention_factor", growth > 1 ? fallback : 1),
      };
    };
    const rope = readRope(fields, {
      ...config,
      rotaryShare: ["partial_rotary_factor", 1],
      // All of these mean LongRoPE in files of this family.
      scalings: new Map(
        ["longrope", "su", "yarn"].map((type) => [type, longRope]),
      ),
    });
    const window = fields.countOrNone("sliding_window", null);
    return {
      ...config,
      maxPositions: rope.scaling?.kind === "pairs"
        ? Math.min(maxPositions, original)
        : maxPositions,
      rope,
      projections: "joined",
      mlp: "joined gate",
      ...slidingEverywhere({ ...config, rope }, window),
    };
  },
  gguf: {
    transformersClass: "Phi3ForCausalLM",
    config: (model) => {
      const { fields } = model;
      const scaling = longRopeFields(model) ??
        ropeScaling(model, headDim(fields));
      return {
        ...commonFields(model),
        ...rmsNorm(fields),
        "hidden_act": "silu",
        "rope_theta": ropeTheta(fields),
        "rope_scaling": scaling,
        "partial_rotary_factor": rotaryShare(fields),
        "original_max_position_embeddings": fields.count(
          "rope.scaling.original_context_length",
          fields.count("context_length"),
        ),
        "sliding_window": slidingWindow(fields),
      };
    },
  },
};

/** Phi-3, 3.5 and 4-mini. */
export const phi3: Family = { types: { phi3: type } };

/** LongRoPE, which only its factors announce; `null` without them. */
function longRopeFields({ fields, factors }: GgufModel): ConfigFields | null {
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
