import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import { quantizeRows } from "lib/models/weights/quantize.ts";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { lower } from "lib/onnx/lower.ts";
import { type Device, hasKernel, type Precision } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { add, mul } from "lib/ops/elementwise.ts";
import { affine, gemm } from "lib/ops/linalg.ts";
import { sum } from "lib/ops/shaping.ts";
import { dequantizeRows } from "lib/ops/two_terms.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { wholeNumberTest } from "../whole_numbers.ts";

const [OUTPUTS, INPUTS] = [24, 40];

const normals = (seed: string, length: number) => {
  const rng = new Rng(seed);
  return Float32Array.from({ length }, () => rng.normal());
};

/** Rows of numbers between which there are hundreds of orders of magnitude. */
function extremeRows(columns: number): Float32Array<ArrayBuffer> {
  const scales = [1, 1e-3, 1e4, 1e-20, 1e20];
  const rows = [
    new Float32Array(columns),
    ...scales.map((scale, i) =>
      normals(`row ${i}`, columns).map((x) => x * scale)
    ),
    // One value is larger by far, as in the first token of a row.
    normals("massive", columns).map((x, i) => i === 3 ? -5e3 : x),
    // Numbers below the least normal one.
    normals("small", columns).map((x) => x * 1e-40),
    new Float32Array(columns).fill(-2),
  ];
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

const matrix = normals("matrix", OUTPUTS * INPUTS);
const { codes, scales } = quantizeRows(matrix, INPUTS);
const held = (row: number, column: number) =>
  scales[row]! * codes[row * INPUTS + column]!;

const weightIn = (g: Graph) =>
  dequantizeRows(
    g.external({ dtype: "int8", shape: [OUTPUTS, INPUTS] }, { held: codes }),
    g.external({ dtype: "float32", shape: [OUTPUTS] }, { held: scales }),
  );

/** x Wᵀ, x Wᵀ + c, and the slope of the products' weighted sum at x. */
function products() {
  const g = new Graph();
  const x = g.input("x", ["n", INPUTS]);
  const [slopes, c] = [
    g.input("slopes", ["n", OUTPUTS]),
    g.input("c", [1, OUTPUTS]),
  ];
  const weight = weightIn(g);
  const plain = gemm(x, weight, { transB: true });
  const shifted = affine([x, weight, c], { transB: true });
  const [slope] = gradient(sum(mul(plain, slopes)), [x]);
  return { plain, shifted, slope: slope! };
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

const rowOf = (x: Float32Array, columns: number, row: number) =>
  x.subarray(row * columns, (row + 1) * columns);

const largest = (row: Float32Array) =>
  row.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** To the nearest whole number, of two to the even one. */
const nearest = (x: number) => {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
};

/** A row as the two terms have it, which are rounded from float32. */
function inTerms(row: Float32Array): number[] {
  const f = Math.fround;
  const scale = f(f(Math.max(largest(row), f(1e-30))) * f(1 / 127));
  const step = f(scale * f(1 / 254));
  return [...row].map((x) => {
    const high = nearest(f(x / scale));
    const low = nearest(f(f(x - f(high * scale)) / step));
    return scale * (high + low / 254);
  });
}

/** Products of rows with the held weights, and what bounds their error. */
function expected(
  x: Float32Array,
  { columns, outputs, weight, rounded }: {
    columns: number;
    outputs: number;
    weight: (k: number, output: number) => number;
    rounded: (row: Float32Array) => ArrayLike<number>;
  },
): { values: number[]; bounds: number[] } {
  const rows = range(x.length / columns).map((i) => rowOf(x, columns, i));
  const total = (term: (k: number) => number) =>
    range(columns).reduce((sum, k) => sum + term(k), 0);
  return {
    values: rows.flatMap((row) => {
      const terms = rounded(row);
      return range(outputs).map((i) => total((k) => terms[k]! * weight(k, i)));
    }),
    bounds: rows.flatMap((row) =>
      range(outputs).map((i) =>
        largest(row) * total((k) => Math.abs(weight(k, i)))
      )
    ),
  };
}

async function run() {
  const [x, slopes] = [extremeRows(INPUTS), extremeRows(OUTPUTS)];
  const n = x.length / INPUTS;
  const c = normals("c", OUTPUTS);
  const program = await compile(products());
  const found = await program.run({
    x: { data: x, shape: [n, INPUTS] },
    slopes: { data: slopes, shape: [n, OUTPUTS] },
    c: { data: c, shape: [1, OUTPUTS] },
  });
  await program.release();
  const [plain, shifted, slope] = ["plain", "shifted", "slope"]
    .map((name) => hostData(found[name]) as Float32Array);
  return { x, slopes, c, plain: plain!, shifted: shifted!, slope: slope! };
}

const forward = {
  columns: INPUTS,
  outputs: OUTPUTS,
  weight: (k: number, i: number) => held(i, k),
};
/** Rows that arrive from above are scaled before they are rounded. */
const backward = {
  columns: OUTPUTS,
  outputs: INPUTS,
  weight: (k: number, i: number) => codes[k * INPUTS + i]!,
};
const scaled = (slopes: Float32Array) =>
  slopes.map((dy, i) => dy * scales[i % OUTPUTS]!);

wholeNumberTest(
  "products of whole numbers are those of the rounded rows",
  async () => {
    const found = await run();
    for (
      const [y, exact] of [
        [found.plain, expected(found.x, { ...forward, rounded: inTerms })],
        [
          found.slope,
          expected(scaled(found.slopes), { ...backward, rounded: inTerms }),
        ],
      ] as const
    ) {
      for (const [i, bound] of exact.bounds.entries()) {
        const error = Math.abs(y[i]! - exact.values[i]!);
        ok(error <= 2e-7 * bound + 1e-44, `${i}: ${y[i]}, ${exact.values[i]}`);
      }
    }
    assertClose(
      found.shifted,
      [...found.plain].map((y, i) => Math.fround(y + found.c[i % OUTPUTS]!)),
      { tolerance: 0 },
    );
  },
);

wholeNumberTest(
  "a number is off by 1/64,516 of its row's largest at most",
  async () => {
    const found = await run();
    for (
      const [y, exact] of [
        [found.plain, expected(found.x, { ...forward, rounded: (row) => row })],
        [
          found.slope,
          expected(scaled(found.slopes), {
            ...backward,
            rounded: (row) => row,
          }),
        ],
      ] as const
    ) {
      for (const [i, bound] of exact.bounds.entries()) {
        const error = Math.abs(y[i]! - exact.values[i]!);
        // Rows below the least scale are rounded in steps of that.
        ok(error <= bound * (1 / 64_516 + 2e-7) + 1e-32, `${i}: ${error}`);
      }
    }
  },
);

/** Names of the operators that a device runs. */
function operators(
  outputs: readonly Value[],
  device: Device,
  precision: Precision = "float32",
): string[] {
  const { graph } = lower(
    outputs,
    (op, float) => hasKernel(op, device, { float, precision }),
  );
  return graph.nodes.map(({ op }) => op.name);
}

Deno.test("layers that read one value share its terms", () => {
  const g = new Graph();
  const [x, y] = [g.input("x", ["n", INPUTS]), g.input("y", ["n", INPUTS])];
  const times = (value: Value) => gemm(value, weightIn(g), { transB: true });
  const count = (outputs: Value[], name: string) =>
    operators(outputs, "cpu").filter((found) => found === name).length;
  const outputs = [times(x), times(x), times(y)];
  strictEqual(count(outputs, "QuantizeLinear"), 4);
  strictEqual(count(outputs, "MatMulIntegerToFloat"), 6);
});

Deno.test("other devices, formats and readers take the matrix in float32", () => {
  const { plain } = products();
  const wide = ["DequantizeLinear", "Gemm"];
  deepStrictEqual(operators([plain], "webgpu"), wide);
  deepStrictEqual(operators([plain], "cuda"), wide);
  deepStrictEqual(operators([plain], "cpu", "bfloat16"), wide);
  const g = new Graph();
  const shifted = add(weightIn(g), 1);
  deepStrictEqual(operators([shifted], "cpu"), ["DequantizeLinear", "Add"]);
});
