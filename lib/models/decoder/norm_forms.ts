import type { Value } from "../../onnx/graph.ts";
import { add } from "../../ops/elementwise.ts";
import { layerNorm, rmsNorm } from "../../ops/norm.ts";

export type NormForm = "rms" | "offset-rms" | "layer" | "bare-layer";

interface Norm {
  /** Names of its vectors below the module's. */
  readonly parts: readonly string[];
  apply(x: Value, part: (name: string) => Value, epsilon: number): Value;
}

/** Kinds of normalisation over the last axis. */
export const NORMS: Readonly<Record<NormForm, Norm>> = {
  /** x / RMS(x) · w */
  rms: {
    parts: ["weight"],
    apply: (x, part, epsilon) => rmsNorm(x, part("weight"), epsilon),
  },
  /** x / RMS(x) · (1 + w) */
  "offset-rms": {
    parts: ["weight"],
    apply: (x, part, epsilon) => rmsNorm(x, add(part("weight"), 1), epsilon),
  },
  /** (x − mean) / standard deviation · w + b */
  layer: {
    parts: ["weight", "bias"],
    apply: (x, part, epsilon) =>
      layerNorm(x, [part("weight"), part("bias")], epsilon),
  },
  /** (x − mean) / standard deviation */
  "bare-layer": {
    parts: [],
    apply: (x, _part, epsilon) => layerNorm(x, null, epsilon),
  },
};

/** Names of the vectors of a norm. */
export function normVectors(form: NormForm, module: string): string[] {
  return NORMS[form].parts.map((part) => `${module}.${part}`);
}
