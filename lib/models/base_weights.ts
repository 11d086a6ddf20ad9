import type { DType, Graph, Value } from "../onnx/graph.ts";
import { dequantize4, dequantize8 } from "../ops/dequantize.ts";
import { cast, widen } from "../ops/elementwise.ts";
import type { DecoderConfig } from "./config.ts";
import {
  linearParameters,
  type Parameter,
  parameterNames,
} from "./parameters.ts";
import { quantize4, quantize8 } from "./weights/quantize.ts";
import type { LocatedTensor, ValueIn, Weights } from "./weights/weights.ts";

/** How one weight is held; its shape is the stored one. */
type Hold = (
  weights: Weights,
  parameter: Parameter,
) => ValueIn | Promise<ValueIn>;

/** How frozen weights are held, which all are computed with in float32. */
interface Storage {
  /** The weights of the blocks' linear layers. */
  readonly linear: Hold;
  /** Everything else, embedding and head among it. */
  readonly others: Hold;
}

/**
 * What is not as wide as float32 is widened where it is read, anew for each
 * reader, so that no wide copy outlives its use. That is little beside the
 * products of a batch, but much beside those of a single token: generation gets
 * several times slower. Rounding to the nearest is all that is done; how far it
 * moves log-probabilities, a run measures and records (`baseWeightsError()`).
 */
const STORAGES = {
  /** As stored; half precision is widened once in each session, which keeps it. */
  float32: { linear: asStored, others: asStored },
  /** As stored if that is half precision, which loses nothing; else float16. */
  half: { linear: inHalf, others: inHalfIfStored },
  /** 8 bits each, and float32 for 32 of them together. */
  int8: { linear: inInt8, others: asStored },
  /** 4 bits each, and float32 for 32 of them together. */
  int4: { linear: inInt4, others: asStored },
} as const satisfies Record<string, Storage>;

/** Names of the ways to hold frozen weights. */
export type BaseWeights = keyof typeof STORAGES;
export const BASE_WEIGHTS = Object.keys(STORAGES) as BaseWeights[];

/**
 * The weights of a model, held in memory as wanted.
 *
 * @throws Error that names the weight that cannot be held so.
 */
export async function holdWeights(
  config: DecoderConfig,
  weights: Weights,
  kind: BaseWeights,
): Promise<Weights> {
  const { linear, others } = STORAGES[kind];
  const isLinear = new Set(linearParameters(config).map(({ name }) => name));
  const held = new Map<string, ValueIn>();
  for (const parameter of parameterNames(config)) {
    const hold = isLinear.has(parameter.name) ? linear : others;
    held.set(parameter.name, await hold(weights, parameter));
  }
  return { ...weights, held };
}

/** The stored bytes, mapped; half precision is widened. */
export function asStored(
  weights: Weights,
  { name }: Pick<Parameter, "name">,
): ValueIn {
  const tensor = weights.get(name);
  if (!tensor) throw new RangeError(`No tensor "${name}" in the model`);
  return (graph) => cast(storedValue(graph, name, tensor), graph.float);
}

/** The exponent of float16's infinities. */
const INFINITE = 0x7c00;

/**
 * bfloat16 stays mapped; float16 is held in memory, since onnxruntime makes
 * float32 of every constant in float16 when it loads one.
 */
async function inHalf(
  weights: Weights,
  { name, shape }: Parameter,
): Promise<ValueIn> {
  const tensor = weights.get(name)!;
  if (tensor.dtype === "BF16") {
    return (graph) => widen(storedValue(graph, name, tensor), graph.float);
  }
  const held = new Uint16Array(
    new Float16Array(await weights.read(name)).buffer,
  );
  if (held.some((bits) => (bits & INFINITE) === INFINITE)) {
    throw unholdable(weights, name, "float16: a value is beyond its range");
  }
  return (graph) =>
    widen(graph.external({ dtype: "float16", shape }, { held }), graph.float);
}

function inHalfIfStored(
  weights: Weights,
  parameter: Parameter,
): ValueIn | Promise<ValueIn> {
  const isWide = weights.get(parameter.name)?.dtype === "F32";
  return (isWide ? asStored : inHalf)(weights, parameter);
}

async function inInt8(
  weights: Weights,
  { name, shape }: Parameter,
): Promise<ValueIn> {
  const [rows, columns] = shape as [number, number];
  const { codes, scales } = quantize8(await weights.read(name), columns);
  return (graph) =>
    dequantize8({
      codes: graph.external({ dtype: "int8", shape }, { held: codes }),
      scales: scalesIn(graph, scales, rows),
    });
}

async function inInt4(
  weights: Weights,
  { name, shape }: Parameter,
): Promise<ValueIn> {
  const [rows, columns] = shape as [number, number];
  if (columns % 2 !== 0) {
    const expected = "expected an even number";
    const reason = `4 bits: its rows are of ${columns}, ${expected}`;
    throw unholdable(weights, name, reason);
  }
  const { codes, scales } = quantize4(await weights.read(name), columns);
  const eights = new Uint8Array(scales.length).fill(8);
  const blocks = scales.length / rows;
  return (graph) =>
    dequantize4({
      codes: graph.external(
        { dtype: "uint8", shape: [rows, columns / 2] },
        { held: codes },
      ),
      scales: scalesIn(graph, scales, rows),
      eights: graph.external(
        { dtype: "uint8", shape: [rows, blocks] },
        { held: eights },
      ),
    });
}

function unholdable(weights: Weights, name: string, reason: string): Error {
  const { file } = weights.get(name)!;
  return new RangeError(`Cannot hold tensor "${name}" of ${file} in ${reason}`);
}

function scalesIn(
  graph: Graph,
  held: Float32Array<ArrayBuffer>,
  rows: number,
): Value {
  const shape = [rows, held.length / rows];
  return graph.external({ dtype: "float32", shape }, { held });
}

/** Types of safetensors files → types of graphs. */
const STORED_TYPES: ReadonlyMap<string, DType> = new Map([
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
]);

/**
 * A weight in a graph as the bytes that are stored, which stay in their file.
 *
 * @throws TypeError where it is stored in a type that graphs do not know.
 */
export function storedValue(
  graph: Graph,
  name: string,
  { file, begin, end, shape, dtype: stored }: LocatedTensor,
): Value {
  const dtype = STORED_TYPES.get(stored);
  if (dtype) {
    const place = { file, offset: begin, length: end - begin };
    return graph.external({ dtype, shape }, place);
  }
  throw new TypeError(
    `Cannot use tensor "${name}" of ${file}: it is stored as ${stored}, ` +
      `expected one of ${[...STORED_TYPES.keys()].join(", ")}`,
  );
}
