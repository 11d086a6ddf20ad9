import type { Float, Op } from "./graph.ts";

/** Where a graph runs. */
export type Device = "cpu" | "webgpu" | "cuda";
export const DEVICES = ["cpu", "webgpu", "cuda"] as const;

/** What onnxruntime's execution providers do not have, found by trial (1.30). */
interface Provider {
  /** Standard operators without a kernel, or with a wrong one. */
  readonly missing: ReadonlySet<string>;
}

const PROVIDERS: Record<Device, Provider> = {
  cpu: { missing: new Set() },
  webgpu: {
    missing: new Set([
      "FusedMatMul",
      "LogSoftmax",
      // Its second output, the reciprocal norm, is never written.
      "SimplifiedLayerNormalization",
    ]),
  },
  cuda: { missing: new Set() },
};

/** Whether an operator has a kernel of its own; our composites never do. */
export function hasKernel(op: Op, device: Device, float: Float): boolean {
  if (op.domain === "prefgrad" || PROVIDERS[device].missing.has(op.name)) {
    return false;
  }
  // What can be lowered is: kernels in float64 are few, and only tests use it.
  return float === "float32" || !op.lower;
}
