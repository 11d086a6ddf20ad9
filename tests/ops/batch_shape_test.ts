import { deepStrictEqual } from "node:assert/strict";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { countUp, lengthOf, unflatten } from "lib/ops/shaping.ts";

Deno.test("a stream is divided as the batch it came from", async () => {
  const graph = new Graph();
  const x = graph.input("x", ["N", 2]);
  const like = graph.input("like", ["batch", "length"], "int32");
  const y = unflatten(x, like);
  deepStrictEqual(y.shape, ["batch", "length", 2]);
  const program = await compile({ y });
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  const found = await program.run({
    x: { data, shape: [6, 2] },
    like: { data: new Int32Array(6), shape: [3, 2] },
  });
  await program.release();
  deepStrictEqual(found["y"], { data, shape: [3, 2, 2] });
});

Deno.test("places are counted whatever x holds", async () => {
  const x = new Graph().input("x", ["batch", "length"]);
  const program = await compile({ places: countUp(x), length: lengthOf(x) });
  const data = Float32Array.of(0, NaN, -1, Infinity, 5, 0);
  const found = await program.run({ x: { data, shape: [2, 3] } });
  await program.release();
  deepStrictEqual(found, {
    places: { data: Float32Array.of(1, 2, 3, 1, 2, 3), shape: [2, 3] },
    length: { data: Float32Array.of(3, 3), shape: [2, 1] },
  });
});
