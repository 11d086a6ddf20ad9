import { Graph } from "../onnx/graph.ts";
import { compile, type HostTensor } from "../onnx/session.ts";
import { gemm } from "../ops/linalg.ts";

/** A product of `[rows, inputs]` and a matrix `[outputs, inputs]`, transposed. */
export interface ProductShape {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** The speed of a product of float32 matrices. */
export interface ProductSpeed extends ProductShape {
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

/** Every product of these rows and layers. */
export function productShapes({ quick }: { quick: boolean }): ProductShape[] {
  if (quick) return [{ rows: ROWS[0], ...LAYERS[0] }];
  return LAYERS.flatMap((layer) => ROWS.map((rows) => ({ rows, ...layer })));
}

/** Products of one run, so that its feeds and outputs weigh little. */
const CHAIN = 16;

/** Times one product after the other in this process. */
export async function productSpeeds(
  { shapes, ...options }: {
    shapes: readonly ProductShape[];
    threads: number;
    runs: number;
  },
): Promise<ProductSpeed[]> {
  const speeds = [];
  for (const shape of shapes) speeds.push(await productSpeed(shape, options));
  return speeds;
}

/**
 * Times products as training does them, by onnxruntime: a chain that goes to
 * `outputs` columns and back, so that all of its work is products.
 *
 * @param options `runs`: the fastest counts.
 */
async function productSpeed(
  shape: ProductShape,
  { threads, runs }: { threads: number; runs: number },
): Promise<ProductSpeed> {
  const { rows, inputs, outputs } = shape;
  const graph = new Graph();
  const [there, back] = [
    graph.input("there", [outputs, inputs]),
    graph.input("back", [inputs, outputs]),
  ];
  let y = graph.input("x", ["N", inputs]);
  for (let i = 0; i < CHAIN; i++) {
    y = gemm(y, i % 2 === 0 ? there : back, { transB: true });
  }
  const program = await compile({ y }, { threads });
  const feeds = {
    x: ramp([rows, inputs]),
    there: ramp([outputs, inputs]),
    back: ramp([inputs, outputs]),
  };
  const seconds = await fastest(() => program.run(feeds), runs);
  await program.release();
  const flops = 2 * rows * inputs * outputs * CHAIN;
  return { ...shape, gflops: flops / seconds / 1e9 };
}

/** Numbers so small that no product of a chain overflows, and none denormal. */
function ramp(shape: readonly [number, number]): HostTensor {
  const length = shape[0] * shape[1];
  const scale = 1 / Math.sqrt(shape[1]);
  const data = Float32Array.from({ length }, (_, i) => (i % 7 - 3) * scale / 2);
  return { data, shape };
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
