import { ok, strictEqual, throws } from "node:assert/strict";
import {
  ADAPTER_VARIABLE,
  ADAPTER_WORDS,
  graphicsAdapter,
  wantedAdapter,
} from "lib/onnx/adapters.ts";
import { checkout } from "../places.ts";
import { webgpuTest } from "../webgpu.ts";

Deno.test("the adapter is the fast one unless a word chooses another", () => {
  for (const none of [undefined, ""]) {
    strictEqual(wantedAdapter(none), "high-performance");
  }
  for (const word of ADAPTER_WORDS) strictEqual(wantedAdapter(word), word);
  throws(() => wantedAdapter("second"), {
    name: "RangeError",
    message: 'PREFGRAD_ADAPTER is "second", expected one of ' +
      "high-performance, low-power",
  });
});

webgpuTest("an adapter has a name, a vendor and limits", async () => {
  for (const word of ADAPTER_WORDS) {
    const { name, vendor, limits } = (await graphicsAdapter(word))!;
    ok(name && vendor);
    // What WebGPU has at the least.
    ok(limits.buffer >= 2 ** 28 && limits.binding >= 2 ** 27);
  }
});

webgpuTest("onnxruntime is told which adapter to take", async () => {
  const run = async (word: string) => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        'import { resolveDevice } from "lib/onnx/devices.ts";' +
        'await resolveDevice("webgpu");',
      ],
      cwd: checkout(),
      env: { [ADAPTER_VARIABLE]: word },
    }).output();
    return { success, text: new TextDecoder().decode(stderr) };
  };
  const { success, text } = await run("low-power");
  ok(success, text);
  const refused = await run("second");
  ok(!refused.success);
  ok(refused.text.includes('PREFGRAD_ADAPTER is "second"'), refused.text);
});
