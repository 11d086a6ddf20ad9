import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import type { HostTensor } from "lib/onnx/tensors.ts";
import { add, mul } from "lib/ops/elementwise.ts";
import { concat } from "lib/ops/shaping.ts";
import { checkout } from "../../places.ts";

const counting = (length: number, from = 0): HostTensor => ({
  data: Float32Array.from({ length }, (_, i) => from + i),
  shape: [length],
});
const plus = ({ data, shape }: HostTensor, more: number) => ({
  data: data.map((x) => x + more),
  shape,
});

/** Numbers of arrays that are copied and of arrays that are bound. */
const LENGTHS = [3, 1024, 1025, 5000];

Deno.test("arrays are updated in place, in turns or again and again", async () => {
  const y = add(new Graph().input("x", ["N"]), 1);
  const program = await compile({ y });
  const arrays = LENGTHS.map((length) => counting(length));
  for (const more of [1, 2]) {
    for (const [i, x] of arrays.entries()) {
      const { y } = await program.run({ x }, { y: x });
      strictEqual(y, x);
      deepStrictEqual(x, plus(counting(LENGTHS[i]!), more));
    }
  }
  const [, , , x] = arrays;
  for (let i = 0; i < 3; i++) await program.run({ x: x! }, { y: x! });
  deepStrictEqual(x, plus(counting(5000), 5));
  await program.release();
});

Deno.test("outputs that a run makes are no later run's", async () => {
  const y = mul(new Graph().input("x", ["N"]), 2);
  const program = await compile({ y });
  for (const length of LENGTHS) {
    const [x, other] = [counting(length), counting(length, 7)];
    const first = await program.run({ x });
    const second = await program.run({ x: other });
    deepStrictEqual(first["y"], {
      data: x.data.map((x) => 2 * x),
      shape: [length],
    });
    deepStrictEqual(second["y"], {
      data: other.data.map((x) => 2 * x),
      shape: [length],
    });
  }
  await program.release();
});

Deno.test("an array that changes between runs is read as it is", async () => {
  const y = mul(new Graph().input("x", ["N"]), 2);
  const program = await compile({ y });
  for (const length of LENGTHS) {
    const x = counting(length);
    for (const first of [5, 6]) {
      x.data[0] = first;
      const { y } = await program.run({ x });
      strictEqual((y as HostTensor).data[0], 2 * first);
    }
  }
  await program.release();
});

Deno.test("outputs may have sizes that no input has", async () => {
  const graph = new Graph();
  const [a, b] = ["A", "B"].map((size) => graph.input(size, [size]));
  const program = await compile({ y: concat([a!, b!], 0) });
  for (const [m, n] of [[2, 3], [0, 0], [3000, 1]] as const) {
    const { y } = await program.run({ A: counting(m), B: counting(n, m) });
    deepStrictEqual(y, counting(m + n));
  }
  await program.release();
});

Deno.test("an array under another shape is another tensor", async () => {
  const y = mul(new Graph().input("x", ["N", "M"]), 2);
  const program = await compile({ y });
  for (const shape of [[2, 3], [3, 2], [60, 100], [100, 60]]) {
    const data = counting(shape[0]! * shape[1]!).data;
    const { y } = await program.run({ x: { data, shape } });
    deepStrictEqual(y, { data: data.map((x) => 2 * x), shape });
  }
  await program.release();
});

/** Prints whether a program still holds an array that one run had. */
const RETAINED = `
  import { Graph } from "lib/onnx/graph/graph.ts";
  import { compile } from "lib/onnx/session.ts";
  import { sum } from "lib/ops/shaping.ts";
  const program = await compile({ y: sum(new Graph().input("x", ["N"])) });
  const run = async () => {
    const x = { data: new Float32Array(5000), shape: [5000] };
    await program.run({ x });
    return new WeakRef(x.data);
  };
  const data = await run();
  await new Promise((done) => setTimeout(done, 1));
  gc();
  console.log(data.deref() === undefined);
  await program.release();
`;

Deno.test("an array that one run had is not kept for the next", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--expose-gc", RETAINED],
    cwd: checkout(),
  }).output();
  strictEqual(new TextDecoder().decode(stdout), "true\n");
});
