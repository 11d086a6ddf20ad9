import { unavailable } from "lib/onnx/devices.ts";

const isMissing = await unavailable("webgpu") !== null;

/** A test that needs WebGPU, for which a software driver will do. */
export function webgpuTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: isMissing ? `${name} (no WebGPU adapter here)` : name,
    ignore: isMissing,
    fn,
  });
}
