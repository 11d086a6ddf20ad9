import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import type { Policy } from "lib/models/policy.ts";
import { Graph, type Node, type Value } from "lib/onnx/graph/graph.ts";
import { describe } from "lib/onnx/graph/tensor_type.ts";
import { lower } from "lib/onnx/lower.ts";
import { inPrecision, type Lowered } from "lib/onnx/precision.ts";
import {
  type Device,
  type Half,
  hasKernel,
  type Precision,
  precisionFault,
} from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type HostTensor } from "lib/onnx/tensors.ts";
import { activate } from "lib/ops/activation.ts";
import { add, cast, exp, mul } from "lib/ops/elementwise.ts";
import { tokenLogProbs } from "lib/ops/head.ts";
import { gather } from "lib/ops/indexing.ts";
import { affine, gemm, matmul } from "lib/ops/linalg.ts";
import { softmax } from "lib/ops/norm.ts";
import { reshape, sum, transpose } from "lib/ops/shaping.ts";
import { Rng } from "lib/rng.ts";
import { gradientOutputs } from "lib/train/objective.ts";
import { objectiveOf } from "lib/train/trainer_options.ts";
import { ONE_LAYER, randomDecoder } from "../models/random_decoder.ts";
import { randomLora } from "../models/random_lora.ts";
import { UNLIKE_LLAMA } from "../models/unlike_llama.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** Rounding to the nearest number of 16 bits, to the even one on a tie. */
const ROUND: Record<Half, (x: number) => number> = {
  float16: Math.f16round,
  bfloat16: (x) => {
    const bits = new Uint32Array(Float32Array.of(x).buffer);
    const tie = (bits[0]! >>> 16) & 1;
    bits[0] = (bits[0]! + 0x7fff + tie) & 0xffff0000;
    return new Float32Array(bits.buffer)[0]!;
  },
};

type Setting = { precision: Precision; device?: Device };

function rounded(
  outputs: readonly Value[],
  { precision, device = "cuda" }: Setting,
): Lowered {
  const exact = lower(
    outputs,
    (op, float) => hasKernel(op, device, { float, precision }),
  );
  return inPrecision(exact, { precision, device });
}

/** Nodes in the order in which they stand, with the types that they make. */
function nodes(outputs: readonly Value[], setting: Setting): string[] {
  return rounded(outputs, setting).graph.nodes.map(({ op, outputs }) =>
    `${op.name} ${outputs[0]!.dtype}`
  );
}

/** Numbers that fit into 11 bits, not into 8: sums of their products are exact. */
function numbers(size: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: size },
    (_, i) => ((i * 619 + seed) % 2047 - 1023) / 256,
  );
}

const square = (data: Float32Array<ArrayBuffer>): HostTensor => ({
  data,
  shape: [4, 4],
});

/** The product of 4 × 4 matrices. */
function product(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  return Array.from({ length: 16 }, (_, i) => {
    const terms = [0, 1, 2, 3].map((k) =>
      a[(i >> 2) * 4 + k]! * b[4 * k + (i & 3)]!
    );
    return terms.reduce((x, y) => x + y);
  });
}

for (const half of ["bfloat16", "float16"] as const) {
  const round = (list: ArrayLike<number>) => Array.from(list, ROUND[half]);

  Deno.test(`${half} on CPU is what each rounding gives, bit by bit`, async () => {
    const g = new Graph();
    const [x, w, r] = ["x", "w", "r"].map((name) => g.input(name, [4, 4]));
    const y = gemm(x!, w!);
    const scaled = mul(y, 0.7);
    const z = gemm(scaled, y, { transB: true });
    const program = await compile(
      { y, scaled, z: add(r!, z) },
      { precision: half },
    );
    const [a, b, c] = [numbers(16, 1), numbers(16, 5), numbers(16, 9)];
    const found = await program.run({
      x: square(a),
      w: square(b),
      r: square(c),
    });
    await program.release();
    const yWanted = round(product(round(a), round(b)));
    const scaledWanted = round(
      yWanted.map((x) => Math.fround(x * ROUND[half](0.7))),
    );
    const flipped = yWanted.map((_, i) => yWanted[4 * (i & 3) + (i >> 2)]!);
    const zWanted = round(product(scaledWanted, flipped).map(Math.fround))
      .map((x, i) => Math.fround(x + c[i]!));
    deepStrictEqual([...hostData(found["y"])], yWanted);
    deepStrictEqual([...hostData(found["scaled"])], scaledWanted);
    deepStrictEqual([...hostData(found["z"])], zWanted);
    // Else nothing would be tested.
    ok(yWanted.some((x, i) => x !== product(a, b)[i]));
  });

  Deno.test(`${half} products are added to float32 sums without a rounding of the sum`, async () => {
    const g = new Graph();
    const [x, w, total] = ["x", "w", "sum"].map((name) =>
      g.input(name, [4, 4])
    );
    const y = affine([x!, w!, total!]);
    const program = await compile({ y }, { precision: half });
    const ones = new Float32Array(16).fill(0.25);
    // 1/4 is lost beside it in 16 bits.
    const large = new Float32Array(16).fill(4096);
    const found = await program.run({
      x: square(ones),
      w: square(ones),
      sum: square(large),
    });
    await program.release();
    deepStrictEqual([...hostData(found["y"])], new Array(16).fill(4096.25));
  });
}

Deno.test("an adapter's part is not rounded away beside the layer's", async () => {
  for (const bias of [null, 1] as const) {
    const g = new Graph();
    const [x, w, u] = ["x", "w", "u"].map((name) => g.input(name, [1, 1]));
    const layer = bias === null
      ? gemm(x!, w!)
      : affine([x!, w!, g.input("b", [1])]);
    const y = affine([x!, u!, layer]);
    const program = await compile({ y }, { precision: "bfloat16" });
    const number = (value: number, shape = [1, 1]) => ({
      data: Float32Array.of(value),
      shape,
    });
    const found = await program.run({
      ...{ x: number(1.5), w: number(171), u: number(0.5) },
      ...bias !== null && { b: number(64, [1]) },
    });
    await program.release();
    // Numbers from 256 on are 2 apart: 256.5 would be 256, and 257.25 is 258.
    strictEqual(hostData(found["y"])[0], 258 + (bias === null ? 0 : 64));
  }
});

Deno.test("products are in 16 bits, the stream that they are added to in float32", () => {
  const g = new Graph();
  const [x, w] = [g.input("x", ["n", 4]), g.input("w", [4, 4])];
  const y = add(x, activate("silu", gemm(x, w)));
  deepStrictEqual(
    nodes([y], { precision: "bfloat16" }),
    [
      "Cast bfloat16",
      "Cast bfloat16",
      "Gemm bfloat16",
      "Sigmoid bfloat16",
      "Mul bfloat16",
      "Cast float32",
      "Add float32",
    ],
  );
});

Deno.test("squares, exponentials, sums and softmax are in float32", () => {
  const g = new Graph();
  const y = gemm(g.input("x", ["n", 4]), g.input("w", [4, 4]));
  for (
    const [name, z] of [
      ["Mul", mul(y, y)],
      ["Exp", exp(y)],
      ["ReduceSum", sum(y, [1])],
      ["Softmax", softmax(y)],
    ] as const
  ) {
    const made = nodes([z], { precision: "float16" });
    ok(made.includes(`${name} float32`), `${made}`);
  }
});

Deno.test("numbers are moved in the type in which they are read", () => {
  const g = new Graph();
  const p = softmax(g.input("x", [3, 3]));
  const y = gemm(reshape(transpose(p, [1, 0]), [3, 3]), p);
  deepStrictEqual(
    nodes([y], { precision: "float16" }),
    [
      "Softmax float32",
      "Cast float16",
      "Transpose float16",
      "Gemm float16",
      "Cast float32",
    ],
  );
});

Deno.test("stored matrices are read in 16 bits, also as tables, and vectors in float32", () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/weights`;
  const g = new Graph();
  const stored = (dtype: "bfloat16" | "float32", shape: number[]) =>
    cast(
      g.external({ dtype, shape }, { file, offset: 0, length: 0 }),
      "float32",
    );
  const [head, table] = [stored("bfloat16", [4, 4]), stored("float32", [4, 4])];
  const rows = gather(table, g.input("ids", ["n"], "int32"));
  const y = gemm(mul(rows, stored("bfloat16", [4])), head);
  deepStrictEqual(nodes([y], { precision: "bfloat16" }), [
    "Cast float32", // of the vector
    "Cast bfloat16", // of the table
    "Gather bfloat16",
    "Cast float32", // of rows
    "Mul float32",
    "Cast bfloat16",
    "Gemm bfloat16",
    "Cast float32",
  ]);
  const { graph } = rounded([y], { precision: "bfloat16" });
  const product = graph.nodes.find(({ op }) => op.name === "Gemm")!;
  const isStored = ({ value }: { value: Value }) => value === product.inputs[1];
  ok(graph.constants.some(isStored));
});

Deno.test("a graph in float32 or TF32 is the graph itself", () => {
  const x = new Graph().input("x", [2, 2]);
  const y = gemm(x, x);
  const exact = lower([y], () => true);
  for (const precision of ["float32", "tf32"] as const) {
    strictEqual(
      inPrecision(exact, { precision, device: "cuda" }).graph,
      exact.graph,
    );
  }
});

Deno.test("inputs and outputs are in float32", () => {
  const g = new Graph();
  const y = matmul(g.input("x", [2, 2]), g.input("y", [2, 2]));
  const { graph, outputs } = rounded([y], { precision: "bfloat16" });
  deepStrictEqual([...graph.inputs, ...outputs].map(describe), [
    "float32[2, 2]",
    "float32[2, 2]",
    "float32[2, 2]",
  ]);
});

Deno.test("devices say which formats they lack", () => {
  strictEqual(precisionFault("cpu", "float16"), null);
  strictEqual(precisionFault("cuda", "tf32"), null);
  strictEqual(precisionFault("webgpu", "float16"), null);
  ok(precisionFault("webgpu", "bfloat16")?.includes("no bfloat16"));
  ok(precisionFault("cpu", "tf32")?.includes("--device cuda"));
});

/**
 * Kernels of onnxruntime 1.30 for CUDA in bfloat16, as trials placed them: it has
 * those of float16 for every operator of ours.
 */
const CUDA_BFLOAT16: ReadonlySet<string> = new Set([
  ...[
    "MatMul",
    "Gemm",
    "FusedMatMul",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Max",
  ],
  ...[
    "Min",
    "Sum",
    "Sqrt",
    "Exp",
    "Sigmoid",
    "Erf",
    "Tanh",
    "Neg",
    "Abs",
    "Relu",
  ],
  ...["Gelu", "Softmax", "ReduceSum", "ReduceMean", "Gather", "GatherElements"],
  ...["ScatterElements", "Where", "Concat", "Split", "Slice", "Transpose"],
  ...["Expand", "Tile", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast"],
]);

/** Nodes of a training step on CUDA that compute in bfloat16 without a kernel. */
function withoutKernel(
  policy: Policy,
  lossId: string,
  microTokens = 1024,
): string[] {
  const loss = findLoss(lossId);
  const lossOptions = resolveOptions(loss);
  const outputs = Object.values(
    gradientOutputs(objectiveOf({ policy, loss, lossOptions, microTokens })),
  );
  const { graph } = rounded(outputs, { precision: "bfloat16" });
  const isNarrow = ({ inputs, outputs }: Node) =>
    [...inputs, ...outputs].some(({ dtype }) => dtype === "bfloat16");
  const narrow = graph.nodes.filter(isNarrow);
  ok(narrow.some(({ op }) => op.name === "Gemm"), `no product of ${lossId}`);
  return narrow.map(({ op }) => op.name)
    .filter((name) => !CUDA_BFLOAT16.has(name));
}

Deno.test("CUDA has a kernel in bfloat16 for each such node of every loss", () => {
  const { policy } = randomDecoder(ONE_LAYER);
  for (const { id } of LOSSES) {
    deepStrictEqual(withoutKernel(policy, id), [], id);
  }
});

Deno.test("CUDA has a kernel in bfloat16 for each such node of every decoder", async () => {
  using folder = temporaryFolder();
  const { policy } = await randomLora(folder.path, randomDecoder(ONE_LAYER));
  const others = UNLIKE_LLAMA.map(([, config]) => randomDecoder(config).policy);
  for (const each of [policy, ...others]) {
    deepStrictEqual(withoutKernel(each, "dpo"), []);
  }
  // So many that the head is applied in two parts.
  deepStrictEqual(withoutKernel(policy, "dpo", 2e6), []);
});

Deno.test("a product is added to one whose operator takes no sum", async () => {
  const g = new Graph();
  const x = g.input("x", [2, 2]);
  const y = affine([x, x, matmul(x, x)]);
  const program = await compile({ y }, { precision: "bfloat16" });
  const ones = { data: new Float32Array(4).fill(1), shape: [2, 2] };
  const found = await program.run({ x: ones });
  await program.release();
  deepStrictEqual(hostData(found["y"]), new Float32Array(4).fill(4));
});

/** The gradient of a trained head, whose tokens are computed in equal parts. */
async function headGradient(
  chunks: number,
  precision: Precision,
): Promise<Float64Array> {
  const [tokens, width, vocabulary] = [256, 8, 16];
  const rng = new Rng(3);
  const random = (...shape: number[]): HostTensor => ({
    data: Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => rng.normal(),
    ),
    shape,
  });
  const g = new Graph();
  const h = g.input("h", [tokens, width]);
  const head = g.input("head", [vocabulary, width]);
  const y = g.input("y", [tokens, 1], "int32");
  const { logProb } = tokenLogProbs([h, head, y], { trained: true, chunks });
  const [slope] = gradient(sum(reshape(logProb, [tokens]), [0]), [head]);
  const program = await compile({ slope: slope! }, { precision });
  const ids = Int32Array.from({ length: tokens }, (_, i) => i % vocabulary);
  const found = await program.run({
    h: random(tokens, width),
    head: random(vocabulary, width),
    y: { data: ids, shape: [tokens, 1] },
  });
  await program.release();
  return Float64Array.from(hostData(found["slope"]));
}

Deno.test("a trained head's error in 16 bits does not grow with its parts", async () => {
  const exact = await headGradient(1, "float32");
  const error = async (chunks: number) => {
    const found = await headGradient(chunks, "bfloat16");
    return Math.hypot(...found.map((x, i) => x - exact[i]!)) /
      Math.hypot(...exact);
  };
  const [whole, parts] = [await error(1), await error(32)];
  ok(whole > 1e-4, `${whole}`);
  ok(parts < 1.1 * whole, `${whole} in one part, ${parts} in 32`);
});
