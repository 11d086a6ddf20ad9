import type { Value } from "../../onnx/graph/graph.ts";
import { mul, scale } from "../../ops/elementwise.ts";
import { unsqueeze } from "../../ops/shaping.ts";
import { cos, sin } from "../../ops/special.ts";
import type { Llama3Scaling, RopeConfig } from "../config.ts";

/** The rotation of heads of a size. */
export interface Rotation {
  readonly headDim: number;
  readonly rope: RopeConfig;
}

/** cos and sin of position × frequency, for each pair that is rotated. */
export interface Angles {
  /** `[N, 1, pairs]` */
  readonly cos: Value;
  readonly sin: Value;
}

/** Computes the angles at positions (`[N]`). */
export function rotaryAngles(rotation: Rotation, positions: Value): Angles {
  const { graph } = positions;
  const list = inverseFrequencies(rotation);
  const frequencies = graph.numbers(list, [1, 1, list.length]);
  const angles = mul(unsqueeze(positions, [1, 2]), frequencies);
  const { scaling } = rotation.rope;
  const amplitude = scaling?.kind === "pairs" ? scaling.amplitude : 1;
  return {
    cos: scale(cos(angles), amplitude),
    sin: scale(sin(angles), amplitude),
  };
}

/**
 * Rotary frequencies of the pairs of a head's elements, in radians a position:
 * `theta^(−2i/size)` for `i < size/2`, stretched by the model's scaling.
 * Computed in float64 and rounded once; transformers' modeling_rope_utils.py has
 * the same formulas in float32.
 */
export function inverseFrequencies(
  { headDim, rope: { theta, scaling, size = headDim } }: Rotation,
): Float32Array {
  return Float32Array.from({ length: size / 2 }, (_, i) => {
    const frequency = theta ** (-2 * i / size);
    if (!scaling) return frequency;
    if (scaling.kind === "llama3") return stretched(frequency, scaling);
    const factor = scaling.kind === "pairs"
      ? scaling.factors[i]!
      : scaling.factor;
    return frequency / factor;
  });
}

function stretched(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor, highFrequencyFactor } = scaling;
  /** The number of waves in the positions of the original training. */
  const waves = scaling.originalMaxPositions * frequency / (2 * Math.PI);
  if (waves > highFrequencyFactor) return frequency;
  if (waves < lowFrequencyFactor) return frequency / factor;
  const smooth = (waves - lowFrequencyFactor) /
    (highFrequencyFactor - lowFrequencyFactor);
  return frequency * ((1 - smooth) / factor + smooth);
}
