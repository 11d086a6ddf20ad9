import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { join } from "node:path";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type HostTensor } from "lib/onnx/tensors.ts";
import { add, exp, mul, sub } from "lib/ops/elementwise.ts";
import { gemm } from "lib/ops/linalg.ts";
import { softplus } from "lib/ops/special.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const floats = (...list: number[]): HostTensor => ({
  data: Float32Array.from(list),
  shape: [list.length],
});

/** A program of x · 2 and x + 1. */
function simple() {
  const x = new Graph().input("x", ["N"]);
  return compile({ double: mul(x, 2), next: add(x, 1) });
}

Deno.test("a program returns its outputs by name, for any size", async () => {
  const program = await simple();
  strictEqual(program.nodes, 2);
  deepStrictEqual(await program.run({ x: floats(1, -3) }), {
    double: floats(2, -6),
    next: floats(2, -2),
  });
  deepStrictEqual(await program.run({ x: floats() }), {
    double: floats(),
    next: floats(),
  });
  await program.release();
});

Deno.test("a program writes outputs to the tensors it is given", async () => {
  const program = await simple();
  const [x, double] = [floats(1, -3), floats(0, 0)];
  await program.run({ x }, { double });
  deepStrictEqual(double, floats(2, -6));
  await program.run({ x }, { next: x });
  deepStrictEqual(x, floats(2, -2));
  await program.release();
});

Deno.test("outputs may be inputs, constants and one another", async () => {
  const graph = new Graph();
  const x = graph.input("x", ["N"]);
  const double = mul(x, 2);
  const five = graph.constant(Float32Array.of(5), [1]);
  const program = await compile({ x, five, double, again: double });
  for (const length of [2, 2000]) {
    const filled = (n: number) => floats(...new Array(length).fill(n));
    deepStrictEqual(await program.run({ x: filled(3) }), {
      x: filled(3),
      five: floats(5),
      double: filled(6),
      again: filled(6),
    });
  }
  await program.release();
});

Deno.test("the order of outputs is the one that is asked for", async () => {
  const x = new Graph().input("x", ["N"]);
  const [double, next, twice] = [mul(x, 2), add(x, 1), exp(x)];
  const last = ["next", "double"];
  const programs = [
    await compile({ twice, next, double }),
    await compile({ double, next, twice }, { last }),
    await compile({ double, next, twice }),
  ];
  const [stated, asked, otherwise] = programs.map(({ hash }) => hash);
  strictEqual(asked, stated);
  notStrictEqual(asked, otherwise);
  for (const program of programs) await program.release();
});

Deno.test("a program ignores feeds that it has no use for", async () => {
  const program = await simple();
  const { double } = await program.run({ x: floats(4), y: floats(5) });
  deepStrictEqual(double, floats(8));
  await program.release();
});

Deno.test("a program names the input that is not fed", async () => {
  const program = await simple();
  await rejects(program.run({ y: floats(1) }), {
    name: "RangeError",
    message: 'Cannot run the graph: input "x" is not fed',
  });
  await program.release();
});

Deno.test("a program names the input that is fed another type", async () => {
  const program = await simple();
  const wrong = { data: Float64Array.of(1), shape: [1] };
  await rejects(program.run({ x: wrong }), {
    name: "TypeError",
    message: 'Cannot run the graph: input "x" is fed float64, expected float32',
  });
  await program.release();
});

Deno.test("a program does not run after its release", async () => {
  const program = await simple();
  await program.release();
  await rejects(program.run({ x: floats(1) }), {
    message: "Cannot run the graph: it is released",
  });
});

Deno.test("a program has no profile after its release", async () => {
  const program = await simple();
  await program.release();
  await rejects(program.endProfile(), {
    message: "Cannot end the graph's profile: it is released",
  });
});

Deno.test("a program counts the nodes of composites", async () => {
  const x = new Graph().input("x", []);
  const program = await compile({ y: softplus(x) });
  ok(program.nodes > 1);
  await program.release();
});

Deno.test("a program computes in float64 on demand", async () => {
  const x = new Graph({ float: "float64" }).input("x", []);
  const program = await compile({ y: exp(x) });
  const { y } = await program.run({
    x: { data: Float64Array.of(1), shape: [] },
  });
  strictEqual(hostData(y)[0], Math.E);
  await program.release();
});

/** Writes numbers after some bytes that are none of them. */
function writeWeights(path: string, offset: number, list: number[]): void {
  const bytes = new Uint8Array(offset + 4 * list.length).fill(255);
  bytes.set(new Uint8Array(Float32Array.from(list).buffer), offset);
  Deno.writeFileSync(path, bytes);
}

const weight = (graph: Graph, file: string, offset: number): Value =>
  graph.external(
    { dtype: "float32", shape: [2] },
    { file, offset, length: 8 },
  );

/** What x + 0 is, with all of a graph's constants in files. */
async function valueOf(weights: (graph: Graph) => Value): Promise<number[]> {
  const graph = new Graph();
  const x = graph.input("x", [2]);
  const program = await compile({ y: add(x, weights(graph)) });
  const { y } = await program.run({ x: floats(0, 0) });
  await program.release();
  return [...hostData(y)];
}

Deno.test("a program reads a weight where it lies in its file", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "weights.bin");
  writeWeights(file, 12, [1.5, -2, 7, 9]);
  deepStrictEqual(await valueOf((g) => weight(g, file, 12)), [1.5, -2]);
  deepStrictEqual(
    await valueOf((g) => sub(weight(g, file, 20), weight(g, file, 12))),
    [5.5, 11],
  );
});

Deno.test("a program reads weights through a symbolic link", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "blob");
  writeWeights(file, 4, [3, 4]);
  const link = join(folder.path, "weights.bin");
  Deno.symlinkSync("blob", link);
  deepStrictEqual(await valueOf((g) => weight(g, link, 4)), [3, 4]);
});

Deno.test("a program tells files of the same name apart", async () => {
  using folder = temporaryFolder();
  const files = ["a", "b"].map((name, i) => {
    Deno.mkdirSync(join(folder.path, name));
    const file = join(folder.path, name, "weights.bin");
    writeWeights(file, 4, [i, 10 * i]);
    return file;
  });
  const both = (g: Graph) =>
    add(weight(g, files[0]!, 4), weight(g, files[1]!, 4));
  deepStrictEqual(await valueOf(both), [1, 10]);
});

Deno.test("a program leaves the files of its weights alone", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "weights.bin");
  writeWeights(file, 4, [3, 4]);
  const before = Deno.readFileSync(file);
  await valueOf((g) => weight(g, file, 4));
  deepStrictEqual(Deno.readFileSync(file), before);
  strictEqual(Deno.statSync(file).nlink, 1);
});

Deno.test("hostData() says that there is no tensor in host memory", () => {
  throws(() => hostData(undefined), {
    name: "TypeError",
    message: "Cannot read a tensor: it is not in host memory",
  });
});

Deno.test("weights held in memory are read there, not copied", async () => {
  const graph = new Graph();
  const held = Float32Array.of(1, 2);
  const w = graph.external({ dtype: "float32", shape: [2] }, { held });
  const program = await compile({ y: add(graph.input("x", [2]), w) });
  const run = async () => (await program.run({ x: floats(10, 20) }))["y"];
  deepStrictEqual(await run(), floats(11, 22));
  held[0] = 5;
  deepStrictEqual(await run(), floats(15, 22));
  await program.release();
});

Deno.test("a profile has the time of each node of each run", async () => {
  using folder = temporaryFolder();
  const y = exp(new Graph().input("x", ["N"]));
  const profile = join(folder.path, "times");
  const program = await compile({ y }, { profile });
  await program.run({ x: floats(1) });
  await program.run({ x: floats(2) });
  const file = await program.endProfile();
  await program.release();
  const events: { cat: string; name: string; dur: number }[] = JSON.parse(
    Deno.readTextFileSync(file),
  );
  const times = events.filter(({ name }) => /exp.*_kernel_time/i.test(name));
  deepStrictEqual(times.map(({ cat }) => cat), ["Node", "Node"]);
  ok(times.every(({ dur }) => dur >= 0));
});

Deno.test("constant operands of products are packed where that is asked for", async () => {
  using folder = temporaryFolder();
  const [packed, plain] = await Promise.all(
    [true, false].map((packWeights) => productInputs(folder.path, packWeights)),
  );
  // A packed operand is the product's own: it is no longer read.
  strictEqual(plain, 2);
  strictEqual(packed, 1);
});

/** How many tensors a product with a constant reads, by its profile. */
async function productInputs(
  folder: string,
  packWeights: boolean,
): Promise<number> {
  const graph = new Graph();
  const ones = graph.constant(new Float32Array(64).fill(1), [8, 8]);
  const y = gemm(graph.input("x", ["N", 8]), ones, { transB: true });
  const profile = join(folder, `packed-${packWeights}`);
  const program = await compile({ y }, { profile, packWeights });
  const x = { data: new Float32Array(16).fill(0.5), shape: [2, 8] };
  ok(hostData((await program.run({ x }))["y"]).every((sum) => sum === 4));
  const file = await program.endProfile();
  await program.release();
  const events: { name: string; args: { input_type_shape: unknown[] } }[] = JSON
    .parse(Deno.readTextFileSync(file));
  const product = events.find(({ name }) => /gemm.*_kernel_time/i.test(name))!;
  return product.args.input_type_shape.length;
}

Deno.test("a program without a profile has none to end", async () => {
  const program = await simple();
  await rejects(program.endProfile(), {
    message: "Cannot end a profile: the graph is compiled without one",
  });
  await program.release();
});
