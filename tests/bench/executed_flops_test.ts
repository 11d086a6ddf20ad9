import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { executedFlops, total } from "lib/bench/executed_flops.ts";
import { neededFlops, totalNeeded } from "lib/bench/needed_flops.ts";
import { pairsOf } from "lib/bench/cost.ts";
import { productsOf, trainingGraph } from "lib/bench/profiled_steps.ts";
import { randomPolicy } from "lib/bench/random_policy.ts";
import { treeBatch } from "lib/data/tree_batch.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { sizesOf } from "lib/onnx/sizes.ts";
import { gemm, matmul } from "lib/ops/linalg.ts";
import { reshape } from "lib/ops/shaping.ts";
import { streamFeeds } from "lib/train/feeds.ts";
import { buildObjective } from "lib/train/objective.ts";

const zeros = (...shape: number[]) => ({
  data: new Float32Array(shape.reduce((a, b) => a * b)),
  shape,
});

Deno.test("products count 2mkn, by operator and by the sizes of a run", () => {
  const graph = new Graph();
  const x = graph.input("x", ["N", 3]);
  const w = graph.input("w", [5, 3]);
  gemm(x, w, { transB: true });
  gemm(x, gemm(x, w, { transB: true }), { transA: true });
  const a = graph.input("a", ["R", 2, "T", 4]);
  matmul(a, a, { transB: true });
  const sizes = sizesOf(graph, {
    ...{ x: zeros(7, 3), w: zeros(5, 3), a: zeros(2, 2, 6, 4) },
  });
  deepStrictEqual(executedFlops(graph, sizes), {
    Gemm: 2 * 7 * 3 * 5 * 3,
    FusedMatMul: 2 * 2 * 2 * 6 * 4 * 6,
  });
});

Deno.test("derived dimensions are counted by their parts, unknown ones refused", () => {
  const graph = new Graph();
  const x = graph.input("x", ["S", 3]);
  const w = graph.input("w", [5, 3]);
  const parts = reshape(x, [4, "S/4", 3]);
  matmul(parts, parts, { transB: true });
  const flops = executedFlops(graph, new Map([["S", 8]]));
  deepStrictEqual(flops, { FusedMatMul: 2 * 4 * 2 * 3 * 2 });
  gemm(graph.input("y", ["M", 3]), w, { transB: true });
  throws(() => executedFlops(graph, new Map([["S", 8]])), /size of M/);
  const feeds = { x: zeros(8, 3), y: zeros(7, 3), z: zeros(9, 3) };
  graph.input("z", ["M", 3]);
  throws(() => sizesOf(graph, feeds), /dimension M: found sizes 7 and 9/);
});

/** Three layers of SmolLM2's proportions. */
const SIZES = { hidden: 256, layers: 3, vocabulary: 512, rank: 8 };

/** A step of DPO by an adapter. */
function step(sizes: typeof SIZES, attentionCuts: number) {
  const policy = randomPolicy(sizes);
  const loss = findLoss("dpo");
  const lossOptions = resolveOptions(loss);
  const options = { lossOptions, chunks: 1, attentionCuts };
  return { policy, objective: buildObjective(policy, loss, options) };
}

/** Attention in rows, and in tiles. */
const [ROWS, TILES] = [step(SIZES, 0), step(SIZES, 8)];

/** Operations of a step's graph for one that is needed. */
function executedPerNeeded(
  { policy, objective }: ReturnType<typeof step>,
  length: number,
): number {
  const rows = pairsOf({
    ...{ prompt: length / 2, completion: length / 4, batch: 2 },
    vocabulary: SIZES.vocabulary,
  });
  const { attentionCuts } = objective;
  const feeds = streamFeeds(treeBatch(rows, { attentionCuts }));
  return productsOf(objective)(feeds) / totalNeeded(neededFlops(policy, rows));
}

for (
  const [length, ways, most] of [
    [64, ROWS, 1.25],
    [256, TILES, 1.21],
    [1024, TILES, 1.25],
  ] as const
) {
  Deno.test(`a step on pairs of ${length} tokens executes at most ${most} times what it needs`, () => {
    const ratio = executedPerNeeded(ways, length);
    ok(ratio >= 1 && ratio <= most, `${ratio}`);
  });
}

for (const [cuts, most] of [[0, 176], [8, 440]] as const) {
  Deno.test(`each layer adds at most ${most} nodes to a training graph with ${cuts} cuts of attention`, () => {
    const nodesOf = (layers: number) => {
      const { objective } = step({ ...SIZES, hidden: 64, layers }, cuts);
      return trainingGraph(objective).nodes.length;
    };
    const [two, three] = [nodesOf(2), nodesOf(3)];
    ok(three > two && three - two <= most, `${three - two}`);
  });
}

Deno.test("the sum over operators is the whole", () => {
  strictEqual(total({ Gemm: 2, MatMul: 3 }), 5);
});
