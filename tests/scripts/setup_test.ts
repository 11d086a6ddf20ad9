import { match, strictEqual } from "node:assert/strict";
import { startDriver } from "lib/onnx/ffi/cuda.ts";
import { runScript } from "./run_script.ts";

Deno.test({
  name: "setup without a driver ends with one line that says so",
  ignore: Deno.build.os !== "linux" || Deno.build.arch !== "x86_64" ||
    startDriver() !== null,
  fn: async () => {
    const { code, out, err } = await runScript("setup", ["cuda"]);
    match(err, /^error: Cannot set up CUDA: .* no NVIDIA driver \(.*\)\n$/);
    strictEqual(out, "");
    strictEqual(code, 1);
  },
});

Deno.test("setup refuses a device that needs none", async () => {
  const { code, err } = await runScript("setup", ["webgpu"]);
  strictEqual(err, 'error: Cannot set up "webgpu": expected cuda\n');
  strictEqual(code, 2);
});
