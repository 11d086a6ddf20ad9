import { deepStrictEqual } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { lower } from "lib/onnx/lower.ts";
import { hasKernel } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { mul } from "lib/ops/elementwise.ts";
import { rotate } from "lib/ops/rope.ts";
import { sum } from "lib/ops/shaping.ts";
import { cos, sin } from "lib/ops/special.ts";
import { assertClose } from "../assert_close.ts";

const [TOKENS, HEADS, PAIRS] = [5, 2, 32];

/** A rotation of heads of `size` and its gradient, each as a value. */
function rotation(size: number, float: "float32" | "float64") {
  const graph = new Graph({ float });
  const x = graph.input("x", ["N", HEADS, size]);
  const w = graph.input("w", ["N", HEADS, size]);
  const angles = graph.input("angles", ["N", 1, PAIRS]);
  const y = rotate(x, cos(angles), sin(angles));
  const [dx] = gradient(sum(mul(y, w)), [x]);
  return { y, dx: dx! };
}

async function run(outputs: Record<string, Value>, size: number) {
  const { float } = outputs["y"]!.graph;
  const numbers = (length: number, seed: number) =>
    Array.from({ length }, (_, i) => Math.sin(seed + 7 * i));
  const tensor = (shape: number[], seed: number) => {
    const list = numbers(shape.reduce((a, b) => a * b), seed);
    const data = float === "float64"
      ? Float64Array.from(list)
      : Float32Array.from(list);
    return { data, shape };
  };
  const program = await compile(outputs);
  const found = await program.run({
    x: tensor([TOKENS, HEADS, size], 1),
    w: tensor([TOKENS, HEADS, size], 2),
    angles: tensor([TOKENS, 1, PAIRS], 3),
  });
  await program.release();
  return found;
}

for (const size of [2 * PAIRS, 2 * PAIRS + 8]) {
  Deno.test(`heads of ${size} turn as in float64, and back`, async () => {
    const found = await run(rotation(size, "float32"), size);
    const expected = await run(rotation(size, "float64"), size);
    for (const name of ["y", "dx"]) {
      assertClose(hostData(found[name]), [...hostData(expected[name])]);
    }
  });
}

Deno.test("a kernel turns whole heads where a device has one", () => {
  const { y } = rotation(2 * PAIRS, "float32");
  const kernels = (["cpu", "webgpu", "cuda"] as const).map((device) => {
    const { graph } = lower(
      [y],
      (op, float) => hasKernel(op, device, { float }),
    );
    return graph.nodes.some(({ op }) => op.name === "RotaryEmbedding");
  });
  deepStrictEqual(kernels, [true, false, false]);
});
