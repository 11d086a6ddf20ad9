import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { DeviceRunner } from "lib/onnx/ffi/device_runner.ts";
import { OrtSession } from "lib/onnx/ffi/ort_session.ts";
import { OrtValue } from "lib/onnx/ffi/ort_value.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { encodeModel } from "lib/onnx/proto.ts";
import { DeviceError } from "lib/onnx/providers.ts";
import { add, mul } from "lib/ops/elementwise.ts";

/** The CPU as a device: what binds tensors is the same for all of them. */
function runner() {
  const graph = new Graph();
  const [x, y] = [graph.input("x", ["N"]), graph.input("y", ["N"])];
  const outputs = [add(x, y), mul(x, y)];
  const session = OrtSession.create(encodeModel(graph, outputs), {
    ...{ device: "cpu", threads: 1, optimization: "all", profile: null },
    config: {},
  });
  const ports = { inputs: graph.inputs, outputs, held: new Map() };
  return new DeviceRunner(session, ports, {
    device: "cuda",
    keep: [false, false],
  });
}

const floats = (...list: number[]) => ({
  data: Float32Array.from(list),
  shape: [list.length],
});

Deno.test("a device's session reads and writes arrays and tensors", async () => {
  const it = runner();
  const [x, y] = [floats(1, 2), floats(3, 5)];
  deepStrictEqual(await it.run([x, y], []), [floats(4, 7), floats(3, 10)]);
  using onDevice = OrtValue.over(floats(-1, 1));
  using flat = OrtValue.over({ ...floats(7, 7), shape: [1, 2] });
  using target = flat.viewed([2]);
  const product = floats(0, 0);
  const [sum] = await it.run([x, onDevice], [target, product]);
  deepStrictEqual(sum, target);
  deepStrictEqual(target.read(), floats(0, 3));
  deepStrictEqual(product, floats(-1, 2));
  it.release();
});

Deno.test("a device's session that fails runs again", async () => {
  const it = runner();
  await rejects(it.run([floats(1, 2), floats(3, 4, 5)], []), {
    name: "DeviceError",
    message: /^The device cuda failed: .*(Add|Mul)/,
  });
  deepStrictEqual(await it.run([floats(2), floats(3)], []), [
    floats(5),
    floats(6),
  ]);
  it.release();
});

Deno.test("an error for want of memory names what bounds it", () => {
  const words = [
    "CUDA failure 2: out of memory ; GPU=0",
    "[Invalid Buffer (unlabeled)] is invalid due to a previous error.\n - While",
  ];
  for (const text of words) {
    const { message } = new DeviceError("cuda", new Error(text));
    match(message, /^The device cuda failed: .*; it may lack memory, .*micro-/);
  }
  const { message } = new DeviceError("webgpu", new Error("Device is lost."));
  strictEqual(message, "The device webgpu failed: Device is lost.");
});
