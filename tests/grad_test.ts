import * as e from "lib/ops/elementwise.ts";
import { throws } from "node:assert/strict";
import { apply } from "lib/onnx/graph/apply.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { gradient } from "lib/grad.ts";
import { matmul } from "lib/ops/linalg.ts";
import { sum } from "lib/ops/shaping.ts";
import { checkGradient, spread } from "./finite_differences.ts";
import { OP_CASES } from "./ops/op_cases.ts";

for (const [name, xShape, yShape, build] of OP_CASES) {
  Deno.test(`gradient() matches finite differences: ${name}`, async () => {
    const g = new Graph({ float: "float64" });
    const x = g.input("x", xShape);
    const y = g.input("y", yShape);
    const z = build(x, y);
    // Weights, so that the cotangent is not constant.
    const weight = g.input("weight", z.shape);
    await checkGradient(sum(e.mul(z, weight)), [x, y], {
      x: spread(xShape),
      y: spread(yShape, 2.5),
      weight: spread(z.shape as number[], 5),
    });
  });
}

Deno.test("gradient() names the operator that has no vjp", () => {
  const g = new Graph();
  const x = g.input("x", []);
  const erf = apply({ name: "Erf", infer: () => [x] }, [x]);
  throws(() => gradient(erf, [x]), {
    message: 'Cannot differentiate "Erf_0": operator Erf has no vjp',
  });
});

Deno.test("gradient() names a target that the loss does not depend on", () => {
  const g = new Graph();
  const x = g.input("x", []);
  const y = g.input("y", []);
  throws(() => gradient(e.exp(x), [y]), {
    message: 'Cannot differentiate "Exp_0": it does not depend on "y"',
  });
});

Deno.test("gradient() wants a scalar", () => {
  const x = new Graph().input("x", ["N"]);
  throws(() => gradient(x, [x]), {
    message: 'Cannot differentiate "x" of shape [N]: expected a scalar',
  });
});

Deno.test("a shape error names the operator and both types", () => {
  const g = new Graph();
  const x = g.input("x", ["N", 3]);
  const y = g.input("y", [4, 5]);
  throws(() => matmul(x, y), {
    message:
      "Cannot apply FusedMatMul to float32[N, 3] and float32[4, 5]: inner dimensions 3 and 4 differ",
  });
  throws(() => e.add(x, y), {
    message:
      "Cannot apply Add to float32[N, 3] and float32[4, 5]: dimensions N and 4 do not broadcast",
  });
});
