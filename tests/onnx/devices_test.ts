import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { graphicsAdapter } from "lib/onnx/adapters.ts";
import {
  DEVICE_WORDS,
  resolveDevice,
  unavailable,
  unavailablePrecision,
} from "lib/onnx/devices.ts";
import { DEVICES } from "lib/onnx/providers.ts";
import { engine } from "lib/onnx/engine.ts";
import { driverFault, libraryFault } from "lib/onnx/ffi/cuda.ts";
import { checkout } from "../places.ts";

/** Prints what becomes of WebGPU where there is no driver. */
const WITHOUT_DRIVER = `
  import { resolveDevice } from "lib/onnx/devices.ts";
  console.log(await resolveDevice("auto") === "webgpu");
  await resolveDevice("webgpu").catch(({ message }) => console.log(message));
`;

Deno.test("a device is a word, and so is the choice among them", () => {
  strictEqual(DEVICE_WORDS.join(), ["auto", ...DEVICES].join());
});

Deno.test("an unknown word is refused, with the known ones", async () => {
  await rejects(resolveDevice("gpu"), {
    name: "RangeError",
    message: 'Unknown device "gpu": expected one of auto, cpu, webgpu, cuda',
  });
});

Deno.test("the CPU is always there", async () => {
  strictEqual(await unavailable("cpu"), null);
  strictEqual(await resolveDevice("cpu"), "cpu");
});

Deno.test("auto is a device that works, and no software that plays a GPU", async () => {
  const device = await resolveDevice("auto");
  strictEqual(await unavailable(device), null);
  const adapter = await graphicsAdapter();
  ok(device !== "webgpu" || !adapter!.isSoftware);
});

Deno.test("a device that is not there is refused, with what it takes", async () => {
  for (const device of DEVICES) {
    const error = await unavailable(device);
    if (!error) strictEqual(await resolveDevice(device), device);
    else {
      await rejects(resolveDevice(device), { message: error.message });
      match(error.message, new RegExp(`^Cannot use device "${device}": .+`));
    }
  }
});

Deno.test("a number format that a device lacks is refused, with both names", async () => {
  strictEqual(await unavailablePrecision("cpu", "float32"), null);
  strictEqual(await unavailablePrecision("cpu", "bfloat16"), null);
  for (
    const [device, precision, reason] of [
      ["cpu", "tf32", "TF32 is a format of NVIDIA's GPUs"],
      ["webgpu", "bfloat16", "WebGPU has no bfloat16"],
    ] as const
  ) {
    const error = await unavailablePrecision(device, precision);
    const start = `Cannot use precision "${precision}" on device "${device}": `;
    ok(error?.message.startsWith(start + reason), error?.message);
  }
});

Deno.test("float16 is refused on WebGPU where its adapter lacks it", async () => {
  const adapter = await graphicsAdapter();
  const error = await unavailable("webgpu") ??
    await unavailablePrecision("webgpu", "float16");
  strictEqual(error === null, adapter !== null && adapter.hasFloat16);
});

Deno.test({
  name: "CUDA is refused for its driver first, then for its libraries",
  ignore: !engine().devices.has("cuda") ||
    !(driverFault() ?? libraryFault()),
  fn: async () => {
    const { message } = (await unavailable("cuda"))!;
    const fault = driverFault() ?? libraryFault();
    strictEqual(message, `Cannot use device "cuda": ${fault}`);
  },
});

Deno.test({
  name: "WebGPU without a driver says that it takes one, and auto goes without",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const nowhere = "/nowhere.json";
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", WITHOUT_DRIVER],
      cwd: checkout(),
      env: { VK_DRIVER_FILES: nowhere, VK_ICD_FILENAMES: nowhere },
      stderr: "null",
    }).output();
    const [isAuto, message] = new TextDecoder().decode(stdout).split("\n");
    strictEqual(isAuto, "false");
    strictEqual(
      message,
      'Cannot use device "webgpu": Failed to get a WebGPU adapter: No ' +
        "supported adapters. It takes a GPU and, on Linux, its Vulkan driver " +
        "and libvulkan.so.1",
    );
  },
});
