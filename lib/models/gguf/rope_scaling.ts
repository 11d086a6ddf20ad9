import type { Llama3Scaling } from "../config.ts";
import { inverseFrequencies } from "../decoder/rotary.ts";
import type { ConfigFields, GgufModel } from "../family.ts";
import type { Metadata } from "./metadata.ts";

const TYPE = "rope.scaling.type";

/** Kinds of scaling that fields of the file describe. */
const SCALINGS: Readonly<Record<string, (fields: Metadata) => ConfigFields>> = {
  linear: (fields) => ({
    "rope_type": "linear",
    "factor": fields.positive("rope.scaling.factor"),
  }),
  yarn: (fields) => {
    fields.only("rope.scaling.yarn_ext_factor", [1]);
    fields.only("rope.scaling.yarn_attn_factor", [1]);
    fields.only("rope.scaling.yarn_log_multiplier", [0]);
    return {
      "rope_type": "yarn",
      "factor": fields.positive("rope.scaling.factor"),
      "original_max_position_embeddings": fields.count(
        "rope.scaling.original_context_length",
      ),
      "beta_fast": fields.positive("rope.scaling.yarn_beta_fast", 32),
      "beta_slow": fields.positive("rope.scaling.yarn_beta_slow", 1),
    };
  },
};

/** Fields of config.json on rotations, of heads of a size. */
export function rotary(model: GgufModel, headDim: number): ConfigFields {
  return {
    "rope_theta": ropeTheta(model.fields),
    "rope_scaling": ropeScaling(model, headDim),
  };
}

export function ropeTheta(fields: Metadata): number {
  return fields.positive("rope.freq_base", 10_000);
}

/**
 * `rope_scaling` of config.json: none, linear, YaRN or Llama 3.1's.
 *
 * @throws Error for other kinds, and factors that Llama 3.1 does not have.
 */
export function ropeScaling(
  { fields, factors }: GgufModel,
  headDim: number,
): ConfigFields | null {
  fields.only("rope.scaling.attn_factor", [0, 1]);
  const divisors = factors(FACTORS);
  fields.only(TYPE, divisors ? ["none"] : ["none", ...Object.keys(SCALINGS)]);
  if (!divisors) return SCALINGS[fields.text(TYPE, "none")]?.(fields) ?? null;
  const scaling = llama3(divisors, { headDim, theta: ropeTheta(fields) });
  if (scaling) return scaling;
  throw new Error(
    `Cannot read ${fields.path}: tensor "${FACTORS}" has ${divisors.length} ` +
      `factors that are not those of Llama 3.1, expected no other scaling ` +
      `of rotary frequencies`,
  );
}

/** The tensor of divisors of rotary frequencies. */
const FACTORS = "rope_freqs.weight";

/**
 * Llama 3.1's scaling, of which llama.cpp's conversion writes only the divisors.
 * All later Llamas have these parameters, with a factor of their own, which is
 * the divisor of the slowest frequencies.
 */
const LLAMA3 = {
  kind: "llama3",
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalMaxPositions: 8192,
} as const;

/** The relative error of float32 arithmetic in another order. */
const TOLERANCE = 1e-4;

/** Finds the parameters that give these divisors, `null` if none do. */
function llama3(
  divisors: Float32Array,
  { headDim, theta }: { headDim: number; theta: number },
): ConfigFields | null {
  const factor = divisors.at(-1)!;
  const rope = (scaling: Llama3Scaling | null) =>
    inverseFrequencies({ headDim, rope: { theta, scaling } });
  const [plain, scaled] = [rope(null), rope({ ...LLAMA3, factor })];
  const isGiven = divisors.length === plain.length &&
    divisors.every((divisor, i) =>
      Math.abs(divisor * scaled[i]! / plain[i]! - 1) < TOLERANCE
    );
  return isGiven
    ? {
      "rope_type": LLAMA3.kind,
      factor,
      "low_freq_factor": LLAMA3.lowFrequencyFactor,
      "high_freq_factor": LLAMA3.highFrequencyFactor,
      "original_max_position_embeddings": LLAMA3.originalMaxPositions,
    }
    : null;
}
