import { quantizeRows } from "../models/weights/quantize.ts";
import { Graph, type Value } from "../onnx/graph/graph.ts";
import type { Device, Precision } from "../onnx/providers.ts";
import { compile } from "../onnx/session.ts";
import { mul } from "../ops/elementwise.ts";
import { gemm } from "../ops/linalg.ts";
import { dequantizeRows } from "../ops/two_terms.ts";
import { sum } from "../ops/shaping.ts";

/** A product of `[rows, inputs]` and a matrix `[outputs, inputs]`, transposed. */
export interface ProductShape {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** The speed of a product. */
export interface ProductSpeed extends ProductShape {
  readonly precision: Precision;
  /** 10⁹ floating-point operations a second, in the fastest run. */
  readonly gflops: number;
}

/** Rows of the products: tokens of a micro-batch. */
const ROWS = [256, 512, 1024] as const;

/** Linear layers of SmolLM2-135M: queries and outputs, keys and values, MLP. */
const LAYERS = [
  { inputs: 576, outputs: 576 },
  { inputs: 576, outputs: 192 },
  { inputs: 576, outputs: 1536 },
] as const;

/** Products that are large enough to keep a card busy. */
const ON_CARDS: readonly ProductShape[] = [
  { rows: 8192, inputs: 576, outputs: 1536 },
  { rows: 8192, inputs: 2048, outputs: 8192 },
  { rows: 8192, inputs: 4096, outputs: 8192 },
];

/** The products that are timed on a device. */
export function productShapes(
  { quick, device }: { quick: boolean; device: Device },
): ProductShape[] {
  if (quick) return [{ rows: ROWS[0], ...LAYERS[0] }];
  if (device !== "cpu") return [...ON_CARDS];
  return LAYERS.flatMap((layer) => ROWS.map((rows) => ({ rows, ...layer })));
}

/** Products of one run, so that its feeds and outputs weigh little. */
const CHAIN = 16;

/** How products are computed, and how often each is timed. */
interface Timing {
  readonly device: Device;
  readonly precision: Precision;
  readonly threads: number;
  /** The fastest counts. */
  readonly runs: number;
  /** @default "float32" */
  readonly weights?: keyof typeof WEIGHTS;
}

/** Times one product after the other in this process. */
export async function productSpeeds(
  { shapes, precisions, ...timing }: Omit<Timing, "precision"> & {
    shapes: readonly ProductShape[];
    precisions: readonly Precision[];
  },
): Promise<ProductSpeed[]> {
  const speeds = [];
  for (const precision of precisions) {
    for (const shape of shapes) {
      speeds.push(await productSpeed(shape, { ...timing, precision }));
    }
  }
  return speeds;
}

/**
 * Times products as training does them, by onnxruntime: a chain that goes to
 * `outputs` columns and back. Its matrices are weights, which lie on the device,
 * and a number goes in and out, so that nearly all of its work is products.
 */
async function productSpeed(
  shape: ProductShape,
  { runs, weights = "float32", ...options }: Timing,
): Promise<ProductSpeed> {
  const { rows, inputs, outputs } = shape;
  const graph = new Graph();
  const [there, back] = [
    WEIGHTS[weights](graph, [outputs, inputs]),
    WEIGHTS[weights](graph, [inputs, outputs]),
  ];
  let y = mul(matrix(graph, [rows, inputs]), graph.input("factor", [1]));
  for (let i = 0; i < CHAIN; i++) {
    y = gemm(y, i % 2 === 0 ? there : back, { transB: true });
  }
  const total = sum(y);
  const program = await compile({ total }, options);
  const factor = { data: Float32Array.of(1), shape: [1] };
  const seconds = await fastest(() => program.run({ factor }), runs);
  await program.release();
  const flops = 2 * rows * inputs * outputs * CHAIN;
  const { precision } = options;
  return { ...shape, precision, gflops: flops / seconds / 1e9 };
}

/** Matrices as weights are held. */
const WEIGHTS = {
  float32: matrix,
  w8a16: (graph: Graph, shape: readonly [number, number]): Value => {
    const { codes, scales } = quantizeRows(numbers(shape), shape[1]);
    return dequantizeRows(
      graph.external({ dtype: "int8", shape }, { held: codes }),
      graph.external(
        { dtype: "float32", shape: [shape[0]] },
        { held: scales },
      ),
    );
  },
};

function matrix(graph: Graph, shape: readonly [number, number]): Value {
  return graph.external({ dtype: "float32", shape }, { held: numbers(shape) });
}

/** Numbers so small that no product of a chain overflows, and none denormal. */
function numbers(shape: readonly [number, number]): Float32Array<ArrayBuffer> {
  const length = shape[0] * shape[1];
  const scale = 1 / Math.sqrt(shape[1]);
  return Float32Array.from({ length }, (_, i) => (i % 7 - 3) * scale / 2);
}

/** Seconds of the fastest of some runs, after one that does not count. */
async function fastest(
  run: () => Promise<unknown>,
  runs: number,
): Promise<number> {
  await run();
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best / 1000;
}
