import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { apply, applyAll } from "lib/onnx/graph/apply.ts";
import {
  Graph,
  type NoAttributes,
  type Op,
  type Value,
} from "lib/onnx/graph/graph.ts";
import { describe } from "lib/onnx/graph/tensor_type.ts";

const Same: Op = { name: "Same", infer: ([x]) => [x] };
const Twice: Op = {
  name: "Twice",
  infer: ([x]) => [{ dtype: "float32", shape: x.shape }],
  lower: ([x]) => [apply(Sum, [x, x])],
};
const Sum: Op<readonly [x: Value, y: Value]> = {
  name: "Sum",
  infer: ([x]) => [x],
};

Deno.test("a graph shares equal scalars and equal lists of integers", () => {
  const g = new Graph();
  strictEqual(g.scalar(2), g.scalar(2));
  strictEqual(g.integers([0, -1]), g.integers([0, -1]));
  g.scalar(3);
  g.integers([0, 1]);
  deepStrictEqual(
    g.constants.map(({ data }) => data),
    [
      Float32Array.of(2),
      BigInt64Array.of(0n, -1n),
      Float32Array.of(3),
      BigInt64Array.of(0n, 1n),
    ],
  );
});

Deno.test("a graph's scalars and inputs are of its float type", () => {
  const g = new Graph({ float: "float64" });
  strictEqual(describe(g.scalar(2)), "float64[]");
  strictEqual(describe(g.input("x", ["N"])), "float64[N]");
  strictEqual(describe(g.input("i", [2, "N"], "int32")), "int32[2, N]");
});

Deno.test("a graph refuses a second input of the same name", () => {
  const g = new Graph();
  g.input("x", []);
  throws(() => g.input("x", [1]), {
    name: "RangeError",
    message: 'Cannot declare input "x": the graph has one already',
  });
});

Deno.test("apply() turns numbers into shared constants", () => {
  const g = new Graph();
  const x = g.input("x", []);
  apply(Sum, [2, apply(Sum, [x, 2])]);
  const [first, second] = g.nodes;
  strictEqual(first!.inputs[1], second!.inputs[0]);
  strictEqual(g.constants.length, 1);
});

Deno.test("apply() needs a value to know its graph", () => {
  throws(() => apply(Sum, [1, 2]), {
    name: "TypeError",
    message:
      "Cannot apply Sum: found numbers only, expected a value among the operands",
  });
});

Deno.test("apply() says which operator and types do not fit, and why", () => {
  const reason = new RangeError("one is enough");
  const Picky: Op<readonly Value[]> = {
    name: "Picky",
    infer: () => {
      throw reason;
    },
  };
  const g = new Graph();
  const operands = [g.input("x", ["N", 2]), g.input("i", [3], "int32")];
  throws(() => apply(Picky, operands), {
    name: "RangeError",
    message: "Cannot apply Picky to float32[N, 2] and int32[3]: one is enough",
    cause: reason,
  });
});

Deno.test("apply() passes a defect of a shape rule on as it is", () => {
  const defect = new TypeError("x is undefined");
  const Broken: Op = {
    name: "Broken",
    infer: () => {
      throw defect;
    },
  };
  const x = new Graph().input("x", []);
  throws(() => apply(Broken, [x]), (error) => error === defect);
});

Deno.test("every value of a graph has a name of its own", () => {
  const g = new Graph();
  const x = g.input("x", []);
  const values: Value[] = [x, g.scalar(1), apply(Same, [x]), apply(Same, [x])];
  strictEqual(new Set(values.map(({ name }) => name)).size, 4);
  ok(values.every(({ graph }) => graph === g));
});

Deno.test("a graph lowers what it does not accept, and keeps the declared type", () => {
  const g = new Graph({ accepts: (op) => op.name === "Sum" });
  const y = apply(Twice, [g.input("x", ["N"])]);
  deepStrictEqual(g.nodes.map(({ op }) => op.name), ["Sum"]);
  strictEqual(y.name, g.nodes[0]!.outputs[0]!.name);
  strictEqual(describe(y), "float32[N]");
});

Deno.test("a graph keeps what it does not accept but cannot lower", () => {
  const g = new Graph({ accepts: () => false });
  apply(Same, [g.input("x", [])]);
  deepStrictEqual(g.nodes.map(({ op }) => op.name), ["Same"]);
});

Deno.test("a graph refuses what is lowered to fewer values than declared", () => {
  const Halves: Op<
    readonly [x: Value],
    NoAttributes,
    readonly Value[]
  > = {
    name: "Halves",
    infer: ([x]) => [x, x],
    lower: ([x]) => [x],
  };
  const x = new Graph({ accepts: () => false }).input("x", []);
  throws(() => applyAll(Halves, [x]), {
    message: "Cannot lower Halves: found 1 outputs, expected 2",
  });
});
