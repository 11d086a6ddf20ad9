import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { resolveOptions } from "lib/losses/options.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { lower } from "lib/onnx/lower.ts";
import { optimizationOf } from "lib/onnx/optimization.ts";
import { hasKernel } from "lib/onnx/providers.ts";
import { mul } from "lib/ops/elementwise.ts";
import { matmul } from "lib/ops/linalg.ts";
import { transpose } from "lib/ops/shaping.ts";
import { gradientOutputs } from "lib/train/objective.ts";
import { objectiveOf } from "lib/train/trainer_options.ts";
import { ONE_LAYER, randomDecoder } from "../models/random_decoder.ts";
import { randomLora } from "../models/random_lora.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const lowered = (outputs: readonly Value[]): Graph =>
  lower(outputs, (op, float) => hasKernel(op, "cpu", { float })).graph;

Deno.test("a step of every loss is in the form that kernels want", async () => {
  using folder = temporaryFolder();
  const { policy } = await randomLora(folder.path, randomDecoder(ONE_LAYER));
  for (const attentionCuts of [0, 2]) {
    const others = LOSSES.filter((loss) => {
      const lossOptions = resolveOptions(loss);
      const options = { policy, loss, lossOptions, attentionCuts };
      const outputs = gradientOutputs(objectiveOf(options));
      return optimizationOf(lowered(Object.values(outputs)), "cpu") !== "none";
    });
    deepStrictEqual(others.map(({ id }) => id), []);
  }
});

Deno.test("a graph is rewritten for constants, transposed factors and devices", () => {
  const optimization = (make: (x: Value) => Value) =>
    optimizationOf(
      lowered([make(new Graph().input("x", [2, 2, 2, 2]))]),
      "cpu",
    );
  strictEqual(optimization((x) => mul(x, x)), "none");
  strictEqual(
    optimization((x) => {
      const one = x.graph.constant(Float32Array.of(1), []);
      return mul(x, mul(one, one));
    }),
    "basic",
  );
  const times = (perm: number[]) =>
    optimization((x) => matmul(x, transpose(x, perm)));
  strictEqual(times([1, 2, 0, 3]), "all");
  strictEqual(times([0, 2, 1, 3]), "none");
  const graph = new Graph();
  const x = graph.input("x", [2]);
  mul(x, x);
  strictEqual(optimizationOf(graph, "cuda"), "all");
});
