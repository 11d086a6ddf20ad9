import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { apply } from "lib/onnx/graph/apply.ts";
import {
  type AnyOp,
  Graph,
  type Op,
  type Value,
} from "lib/onnx/graph/graph.ts";
import { describe } from "lib/onnx/graph/tensor_type.ts";
import { lower } from "lib/onnx/lower.ts";
import { hasKernel } from "lib/onnx/providers.ts";
import { gated } from "lib/ops/activation.ts";
import { add, exp, mul, neg } from "lib/ops/elementwise.ts";
import { log1mExp } from "lib/ops/special.ts";
import { rmsNorm } from "lib/ops/norm.ts";

const everything = () => true;
const onCpu = (op: AnyOp) => hasKernel(op, "cpu", { float: "float32" });
const names = (graph: Graph) => graph.nodes.map(({ op }) => op.name);

Deno.test("lower() leaves out what the outputs do not need", () => {
  const g = new Graph();
  const [x, unused] = [g.input("x", ["N"]), g.input("unused", ["N"])];
  mul(unused, 3);
  const y = add(exp(x), 2);
  neg(y);
  const { graph } = lower([y], everything);
  deepStrictEqual(names(graph), ["Exp", "Add"]);
  deepStrictEqual(graph.inputs.map(({ name }) => name), ["x"]);
  deepStrictEqual(
    graph.constants.map(({ data }) => data),
    [Float32Array.of(2)],
  );
});

Deno.test("lower() leaves the source as it was", () => {
  const g = new Graph();
  const y = log1mExp(g.input("x", []));
  g.input("unused", []);
  lower([y], onCpu);
  deepStrictEqual(names(g), ["LogOneMinusExp"]);
  strictEqual(g.inputs.length, 2);
  strictEqual(g.constants.length, 0);
});

Deno.test("lower() rewrites composites down to operators with a kernel", () => {
  const g = new Graph();
  const [x, w] = [g.input("x", ["N", 4]), g.input("w", [4])];
  const y = gated("silu", rmsNorm(x, w, 1e-5), log1mExp(x));
  const { graph, outputs } = lower([y], onCpu);
  deepStrictEqual(graph.nodes.filter(({ op }) => !onCpu(op)), []);
  strictEqual(describe(outputs[0]!), "float32[N, 4]");
});

Deno.test("lower() rewrites standard operators that a device lacks", () => {
  const g = new Graph();
  const y = rmsNorm(g.input("x", ["N", 4]), g.input("w", [4]), 1e-5);
  const kernels = (op: AnyOp) => hasKernel(op, "webgpu", { float: "float32" });
  deepStrictEqual(names(lower([y], onCpu).graph), [
    "SimplifiedLayerNormalization",
  ]);
  deepStrictEqual(names(lower([y], kernels).graph), [
    "Mul",
    "ReduceSum",
    "Mul",
    "Add",
    "Sqrt",
    "Div",
    "Mul",
    "Mul",
  ]);
});

Deno.test("lower() puts leaves last, in the order of the outputs", () => {
  const g = new Graph();
  const x = g.input("x", []);
  const late = neg(x);
  const shared = exp(x);
  const early = mul(shared, 5);
  const outputs = [early, shared, late];
  const { graph, outputs: lowered } = lower(outputs, everything);
  // The second output is no leaf, as the first one reads it.
  deepStrictEqual(names(graph), ["Exp", "Mul", "Neg"]);
  deepStrictEqual(
    graph.nodes.map(({ outputs }) => outputs[0]!.name),
    [lowered[1], lowered[0], lowered[2]].map((value?: Value) => value!.name),
  );
});

Deno.test("lower() keeps constants in memory and in files", () => {
  const g = new Graph();
  const file = { file: "weights", offset: 8, length: 16 };
  const weight = g.external({ dtype: "bfloat16", shape: [2, 4] }, file);
  const data = Float32Array.of(1, 2);
  const y = add(g.constant(data, [2]), 1);
  const { graph } = lower([y, neg(weight)], everything);
  deepStrictEqual(
    graph.constants.map(({ value, data }) => [describe(value), data]),
    [
      ["bfloat16[2, 4]", file],
      ["float32[2]", data],
      ["float32[]", Float32Array.of(1)],
    ],
  );
});

Deno.test("lower() makes what is each reader's own anew, before all else", () => {
  const g = new Graph();
  const own: Op = {
    name: "Own",
    rematerialize: true,
    infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  };
  const w = apply(own, [g.constant(Float32Array.of(1, 2), [2])]);
  const y = mul(exp(add(g.input("x", [2]), w)), w);
  const { graph } = lower([y], everything);
  deepStrictEqual(names(graph), ["Own", "Own", "Add", "Exp", "Mul"]);
  const [first, second, sum, , product] = graph.nodes;
  const read = [product, sum].map((node) => node!.inputs[1]!.name);
  const made = [first, second].map((node) => node!.outputs[0]!.name);
  deepStrictEqual(new Set(read), new Set(made));
  deepStrictEqual(lower([w], everything).graph.nodes.length, 1);
});
