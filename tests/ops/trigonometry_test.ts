import { ok } from "node:assert/strict";
import { Graph, type Op } from "lib/onnx/graph/graph.ts";
import type { Device } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { Cos, Sin } from "lib/ops/special.ts";
import { webgpuTest } from "../webgpu.ts";

/** Angles of positions up to 8,000, near and at the turning points too. */
const ANGLES = Float32Array.from([
  ...Array.from({ length: 4001 }, (_, i) => (i - 2000) / 500),
  ...Array.from({ length: 2000 }, (_, i) => 4.0037 * i),
  ...Array.from({ length: 40 }, (_, i) => (i - 20) * Math.PI / 4),
]);

/** Asserts that what an operator is lowered to is exact to float32's rounding. */
async function checkLowered(op: Op, exact: (x: number) => number, on: Device) {
  const x = new Graph().input("x", ["n"]);
  const [y] = op.lower!([x], {});
  const program = await compile({ y: y! }, { device: on, strict: true });
  const feed = { data: ANGLES, shape: [ANGLES.length] };
  const found = hostData((await program.run({ x: feed }))["y"]);
  await program.release();
  ANGLES.forEach((angle, i) => {
    const error = Math.abs(found[i]! - exact(angle));
    ok(error < 2.5e-7, `${op.name}(${angle}) is off by ${error} on ${on}`);
  });
}

for (const [op, exact] of [[Sin, Math.sin], [Cos, Math.cos]] as const) {
  Deno.test(`${op.name} in simpler operators is exact on the CPU`, () =>
    checkLowered(op, exact, "cpu"));
  webgpuTest(
    `${op.name} in simpler operators is exact on WebGPU`,
    () => checkLowered(op, exact, "webgpu"),
  );
}
