import type { AnyOp, Float } from "./graph.ts";

/** A processor that runs graphs. */
export type Device = "cpu" | "webgpu" | "cuda";
/** Every device. */
export const DEVICES = ["cpu", "webgpu", "cuda"] as const;

/**
 * An execution provider of onnxruntime, as trials of 1.30 found it. With these
 * operators lowered no node of a training step leaves the device: tests compile
 * it in strict mode.
 */
interface Provider {
  /** Standard operators without a kernel, or with a wrong one. */
  readonly missing: ReadonlySet<string>;
}

const PROVIDERS: Record<Device, Provider> = {
  cpu: {
    missing: new Set([
      // Slower than dequantizing by rows of blocks.
      "MatMulNBits",
      "GatherBlockQuantized",
    ]),
  },
  webgpu: {
    missing: new Set([
      "FusedMatMul",
      "LogSoftmax",
      // Their second outputs, statistics, are never written.
      "SimplifiedLayerNormalization",
      "LayerNormalization",
      // Not tried.
      "RotaryEmbedding",
      // Exact to 2⁻¹¹ only, as https://www.w3.org/TR/WGSL has it: rotary angles
      // that far off move gradients by 1 part in 30,000.
      "Sin",
      "Cos",
    ]),
  },
  // Not tried.
  cuda: { missing: new Set(["RotaryEmbedding"]) },
};

/** Whether an operator has a kernel of its own; our composites never do. */
export function hasKernel(op: AnyOp, device: Device, float: Float): boolean {
  if (op.domain === "prefgrad" || PROVIDERS[device].missing.has(op.name)) {
    return false;
  }
  // In float64, which only tests use, kernels are few: lower where possible.
  return float === "float32" || !op.lower;
}
