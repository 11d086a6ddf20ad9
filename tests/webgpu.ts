import { Graph } from "lib/onnx/graph/graph.ts";
import { unavailable } from "lib/onnx/devices.ts";
import { compile } from "lib/onnx/session.ts";
import { neg } from "lib/ops/elementwise.ts";

const isMissing = await unavailable("webgpu") !== null;

/** A test that needs WebGPU, for which a software driver will do. */
export function webgpuTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: isMissing ? `${name} (no WebGPU adapter here)` : name,
    ignore: isMissing,
    fn,
  });
}

// With its last session onnxruntime drops the adapter and all shaders compiled.
if (!isMissing) {
  const y = neg(new Graph().input("x", []));
  const held = await compile({ y }, { device: "webgpu" });
  Deno.test.afterAll(() => held.release());
}
