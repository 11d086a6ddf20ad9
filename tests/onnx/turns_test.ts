import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { Turns, turnsOn } from "lib/onnx/turns.ts";
import { gemm } from "lib/ops/linalg.ts";
import { webgpuTest } from "../webgpu.ts";

Deno.test("a task begins when the one before has ended, or failed", async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const task = (name: string) => async () => {
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    if (name === "a") throw new Error("a failed");
  };
  const all = [turns.take(task("a")), turns.take(task("b"))];
  const [a] = await Promise.allSettled(all);
  strictEqual(a!.status, "rejected");
  deepStrictEqual(seen, ["a begins", "a ends", "b begins", "b ends"]);
});

Deno.test("sessions share turns on WebGPU alone", () => {
  strictEqual(turnsOn("webgpu"), turnsOn("webgpu"));
  for (const device of ["cpu", "cuda"] as const) {
    strictEqual(turnsOn(device) === turnsOn(device), false);
  }
});

webgpuTest(
  "sessions on WebGPU that are used at once do not end the process",
  async () => {
    const size = 96;
    const shape = [size, size];
    const x = { data: new Float32Array(size * size).fill(1), shape };
    const product = async () => {
      const input = new Graph().input("x", shape);
      const program = await compile({ y: gemm(input, input) }, {
        device: "webgpu",
      });
      const runs = await Promise.all(
        Array.from({ length: 4 }, () => program.run({ x })),
      );
      await program.release();
      return runs.every(({ y }) => hostData(y).every((each) => each === size));
    };
    const found = await Promise.all(Array.from({ length: 2 }, product));
    deepStrictEqual(found, Array(2).fill(true));
  },
);
