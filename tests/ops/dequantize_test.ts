import { deepStrictEqual, ok } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import { rounded } from "lib/models/base_weights.ts";
import { quantize4, quantize8 } from "lib/models/weights/quantize.ts";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { lower } from "lib/onnx/lower.ts";
import { runOrder } from "lib/onnx/peak.ts";
import { inPrecision } from "lib/onnx/precision.ts";
import { type Device, hasKernel } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { mul, tanh } from "lib/ops/elementwise.ts";
import { affine, gemm } from "lib/ops/linalg.ts";
import { sum } from "lib/ops/shaping.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { webgpuTest } from "../webgpu.ts";

const [ROWS, OUTPUTS] = [3, 5];

/** Columns that fill blocks, and such that leave a part of the last one. */
const FORMATS = [
  ...[{ bits: 4, columns: 64 }, { bits: 4, columns: 32 }],
  ...[{ bits: 4, columns: 41 }, { bits: 8, columns: 64 }],
  { bits: 8, columns: 41 },
] as const;

type Format = typeof FORMATS[number];

const normals = (seed: string, length: number) => {
  const rng = new Rng(seed);
  return Float32Array.from({ length }, () => rng.normal());
};

/** x Wᵀ and x Wᵀ + c for rounded W, and the slope of their weighted sum at x. */
function products({ bits, columns }: Format) {
  const data = normals("matrix", OUTPUTS * columns);
  const g = new Graph();
  const x = g.input("x", ["n", columns]);
  const [slopes, c] = [g.input("slopes", ["n", OUTPUTS]), g.input("c", [1, 5])];
  const weight = rounded(data, [OUTPUTS, columns], bits)(g);
  const plain = gemm(x, weight, { transB: true });
  const shifted = affine([x, weight, c], { transB: true });
  const [slope] = gradient(sum(mul(plain, slopes)), [x]);
  return { data, outputs: { plain, shifted, slope: slope! } };
}

/** The matrix that few bits stand for, in float64. */
function widened(
  data: Float32Array,
  { bits, columns }: Format,
): (row: number, column: number) => number {
  const quantize = bits === 4 ? quantize4 : quantize8;
  const { codes, scales, block } = quantize(data, columns);
  const blocks = Math.ceil(columns / block);
  return (row, column) => {
    const at = row * blocks * block + column;
    const code = bits === 8
      ? codes[at]! - 128
      : (codes[at >> 1]! >> (at % 2 * 4) & 15) - 8;
    return scales[Math.floor(at / block)]! * code;
  };
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

async function check(
  format: Format,
  device: Device,
  packWeights = false,
): Promise<void> {
  const { columns } = format;
  const { data, outputs } = products(format);
  const weight = widened(data, format);
  const feeds = {
    x: { data: normals("x", ROWS * columns), shape: [ROWS, columns] },
    slopes: { data: normals("slopes", ROWS * OUTPUTS), shape: [ROWS, OUTPUTS] },
    c: { data: Float32Array.from(range(OUTPUTS)), shape: [1, OUTPUTS] },
  };
  const program = await compile(outputs, {
    ...{ device, strict: true, packWeights },
  });
  const found = await program.run(feeds);
  await program.release();
  const each = (n: number, at: (row: number, i: number) => number) =>
    range(ROWS).flatMap((row) => range(n).map((i) => at(row, i)));
  const total = (n: number, term: (k: number) => number) =>
    range(n).reduce((sum, k) => sum + term(k), 0);
  const plain = each(
    OUTPUTS,
    (row, i) =>
      total(columns, (k) => feeds.x.data[row * columns + k]! * weight(i, k)),
  );
  const slope = each(
    columns,
    (row, k) =>
      total(
        OUTPUTS,
        (i) => feeds.slopes.data[row * OUTPUTS + i]! * weight(i, k),
      ),
  );
  const shifted = plain.map((y, i) => y + i % OUTPUTS);
  for (const [name, list] of Object.entries({ plain, shifted, slope })) {
    assertClose(hostData(found[name]), list, { tolerance: 2e-6, what: name });
  }
}

for (const format of FORMATS) {
  const { bits, columns } = format;
  Deno.test(`products and their slopes are those of ${bits} bits, ${columns} columns`, () =>
    check(format, "cpu"));
  webgpuTest(
    `WebGPU multiplies by ${bits} bits, ${columns} columns, and back`,
    () => check(format, "webgpu"),
  );
}

for (const bits of [4, 8] as const) {
  Deno.test(`products of ${bits} bits are those when weights are rearranged, too`, () =>
    check({ bits, columns: 64 }, "cpu", true));
}

Deno.test("on CPU codes of 4 bits are multiplied by if they are rearranged once", () => {
  const multiplies = ({ bits }: Format, isPacked: boolean) => {
    const { plain } = products({ bits, columns: 64 }).outputs;
    const { graph } = lower(
      [plain],
      (op, float, attributes) =>
        hasKernel(op, "cpu", {
          float,
          isPacked: isPacked && attributes["bits"] === 4,
        }),
    );
    return graph.nodes.some(({ op }) => op.name === "MatMulNBits");
  };
  const [four, eight] = [FORMATS[0], FORMATS[3]];
  ok(multiplies(four, true) && !multiplies(four, false));
  ok(!multiplies(eight, true));
});

Deno.test("devices multiply by the codes themselves, and widen them on the way back", () => {
  const { outputs: { plain, slope } } = products({ bits: 4, columns: 64 });
  const names = (output: Value, device: Device) => {
    const { graph } = lower(
      [output],
      (op, float) => hasKernel(op, device, { float }),
    );
    return graph.nodes.map(({ op }) => op.name);
  };
  for (const device of ["webgpu", "cuda"] as const) {
    deepStrictEqual(names(plain, device), ["MatMulNBits"]);
    const back = names(slope, device);
    ok(back.includes("GatherBlockQuantized") && back.includes("Gemm"));
    ok(!back.includes("DequantizeLinear"));
  }
  const onCpu = names(plain, "cpu");
  deepStrictEqual(onCpu, ["DequantizeLinear", "Reshape", "Gemm"]);
});

Deno.test("each product widens its matrix just before it, in every precision", () => {
  const g = new Graph();
  let x = g.input("x", ["n", 64]);
  for (let layer = 0; layer < 3; layer++) {
    const weight = rounded(normals(`${layer}`, 64 * 64), [64, 64], 8)(g);
    x = tanh(gemm(x, weight, { transB: true }));
  }
  const [slope] = gradient(sum(x), [g.inputs[0]!]);
  for (const device of ["cpu", "cuda"] as const) {
    for (const precision of ["float32", "bfloat16"] as const) {
      const lowered = lower(
        [slope!],
        (op, float) => hasKernel(op, device, { float, precision }),
      );
      const { graph } = inPrecision(lowered, { precision, device });
      const order = runOrder(graph).map(({ op }) => op.name)
        .filter((name) => /Dequantize|GatherBlock|Gemm|NBits/.test(name));
      const widen = device === "cpu"
        ? "DequantizeLinear"
        : "GatherBlockQuantized";
      const pair = [widen, "Gemm"];
      const forward = device === "cuda" && precision === "float32"
        ? ["MatMulNBits"]
        : pair;
      const passes = [forward, forward, forward, pair, pair, pair];
      deepStrictEqual(order, passes.flat(), `${device} ${precision}`);
    }
  }
});

webgpuTest(
  "weights that are held in memory are no part of the model's file",
  async () => {
    const run = async (factor: number) => {
      const g = new Graph();
      const data = normals("matrix", 64 * 64).map((x) => factor * x);
      const weight = rounded(data, [64, 64], 8)(g);
      const y = gemm(g.input("x", ["n", 64]), weight, { transB: true });
      const program = await compile({ y }, { device: "webgpu", strict: true });
      const x = { data: normals("x", 64), shape: [1, 64] };
      const found = hostData((await program.run({ x }))["y"]);
      await program.release();
      return { hash: program.hash, found: [...found] };
    };
    const [one, two] = [await run(1), await run(2)];
    deepStrictEqual(one.hash, two.hash);
    deepStrictEqual(two.found, one.found.map((y) => 2 * y));
  },
);
