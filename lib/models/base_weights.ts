import type { Held } from "../onnx/graph/constant_data.ts";
import type { Graph, Value } from "../onnx/graph/graph.ts";
import type { DType, Shape } from "../onnx/graph/tensor_type.ts";
import { dequantize } from "../ops/dequantize.ts";
import { cast, castUp } from "../ops/elementwise.ts";
import { dequantizeRows } from "../ops/two_terms.ts";
import type { DecoderConfig } from "./config.ts";
import {
  linearParameters,
  type Parameter,
  parameterNames,
} from "./parameters.ts";
import { quantize4, quantize8, quantizeRows } from "./weights/quantize.ts";
import type { LocatedTensor, ValueIn, Weights } from "./weights/weights.ts";

/** Represents one weight in memory; its shape is the stored one. */
type Representation = (
  weights: Weights,
  parameter: Parameter,
) => ValueIn | Promise<ValueIn>;

/** How frozen weights are represented; all arithmetic is in float32. */
interface Storage {
  /** The weights of the blocks' linear layers. */
  readonly linear: Representation;
  /** The others, such as embedding and head. */
  readonly others: Representation;
}

/**
 * Weights narrower than float32 are cast up where they are read, anew for each
 * reader, so that no wide copy outlives its use; devices, and generation in 4
 * bits, multiply by the codes themselves. Half precision makes generation several
 * times slower. Values are rounded to the nearest, nothing more; a run measures
 * and records how far that moves log-probabilities (`baseWeightsError()`). For
 * SmolLM2-135M-Instruct on four rows of LLaMA-Factory's dpo_en_demo.json it is
 * 0.03 nats a token in 8 bits, and 0.48 in 4, of which such a small model has few
 * to spare; the peak memory of the run is 2.8 GB in float32, 2.1 in 8 bits and
 * 2.0 in 4. A tied head stays as it is stored, as the embedding does.
 */
const STORAGES: Record<BaseWeights, Storage> = {
  /** As stored; a session casts half precision up once, and keeps the result. */
  float32: { linear: inFloat32, others: inFloat32 },
  /** As stored if that is half precision, without a loss; else float16. */
  half: { linear: inHalf, others: inHalfIfStored },
  /** 8 bits each, and float32 for 32 of them together. */
  int8: { linear: inBits(8), others: inFloat32 },
  /** 4 bits each, and float32 for 32 of them together, or for 16. */
  int4: { linear: inBits(4), others: inFloat32 },
  /**
   * 8 bits each, and float32 for each row; products are of whole numbers, for
   * which activations take 16 bits: see `dequantizeRows()`. It saves time rather
   * than memory, as each of the two products has a rearranged copy. A scale for a
   * row rounds more coarsely than one for 32 weights.
   */
  w8a16: { linear: inRows, others: inFloat32 },
};

/** How frozen weights are held: as stored, in half precision, or in few bits. */
export type BaseWeights = "float32" | "half" | "int8" | "int4" | "w8a16";
export const BASE_WEIGHTS = Object.keys(STORAGES) as BaseWeights[];

/**
 * Quantizes the frozen weights of a model, or leaves them as they are stored.
 *
 * @throws Error that names the weight that cannot be held so.
 */
export async function quantizeWeights(
  config: DecoderConfig,
  weights: Weights,
  kind: BaseWeights,
): Promise<Weights> {
  const { linear, others } = STORAGES[kind];
  const isLinear = new Set(linearParameters(config).map(({ name }) => name));
  const quantized = new Map<string, ValueIn>();
  for (const parameter of parameterNames(config)) {
    const { name } = parameter;
    // Others are an adapter's own.
    if (!weights.get(name) && !weights.held?.has(name)) continue;
    const represent = isLinear.has(parameter.name) ? linear : others;
    quantized.set(parameter.name, await represent(weights, parameter));
  }
  return { ...weights, quantized };
}

/** The stored bytes, mapped; half precision is cast up. */
export function asStored(
  weights: Weights,
  { name }: Pick<Parameter, "name">,
): ValueIn {
  const tensor = weights.get(name);
  if (!tensor) throw new RangeError(`No tensor "${name}" in the model`);
  return (graph) => cast(storedValue(graph, name, tensor), graph.float);
}

/**
 * As stored, except values that are in memory and float64, which graphs lack: it
 * is rounded and held.
 */
async function inFloat32(
  weights: Weights,
  { name, shape }: Parameter,
): Promise<ValueIn> {
  const isHeld = weights.held?.has(name) || typeOf(weights, name) === "F64";
  if (!isHeld) return asStored(weights, { name });
  const held = await weights.read(name);
  return (graph) =>
    cast(graph.external({ dtype: "float32", shape }, { held }), graph.float);
}

/** The exponent bits of float16's infinities. */
const INFINITE = 0x7c00;

/**
 * bfloat16 stays mapped; float16 is copied into memory, since onnxruntime makes
 * every float16 constant float32 when it loads one.
 */
async function inHalf(
  weights: Weights,
  { name, shape }: Parameter,
): Promise<ValueIn> {
  const tensor = weights.get(name);
  if (tensor && typeOf(weights, name) === "BF16") {
    return (graph) => castUp(storedValue(graph, name, tensor), graph.float);
  }
  const bits = new Uint16Array(
    new Float16Array(await weights.read(name)).buffer,
  );
  if (bits.some((value) => (value & INFINITE) === INFINITE)) {
    throw cannotHold(weights, name, "float16: a value is beyond its range");
  }
  return (graph) =>
    castUp(
      graph.external({ dtype: "float16", shape }, { held: bits }),
      graph.float,
    );
}

function inHalfIfStored(
  weights: Weights,
  parameter: Parameter,
): ValueIn | Promise<ValueIn> {
  const isWide = /^F(32|64)$/.test(typeOf(weights, parameter.name));
  return (isWide ? inFloat32 : inHalf)(weights, parameter);
}

async function inRows(
  weights: Weights,
  { name, shape }: Parameter,
): Promise<ValueIn> {
  const { codes, scales } = quantizeRows(
    await weights.read(name),
    shape.at(-1)!,
  );
  return (graph) =>
    dequantizeRows(
      graph.external({ dtype: "int8", shape }, { held: codes }),
      graph.external({ dtype: "float32", shape: [scales.length] }, {
        held: scales,
      }),
    );
}

function inBits(bits: 4 | 8): Representation {
  return async (weights, { name, shape }) =>
    rounded(await weights.read(name), shape, bits);
}

/**
 * Rounds a matrix to few bits, by blocks of each row.
 *
 * @param shape `[rows, columns]`.
 */
export function rounded(
  data: Float32Array,
  shape: readonly number[],
  bits: 4 | 8,
): ValueIn {
  const [rows, columns] = shape as [number, number];
  const quantize = bits === 4 ? quantize4 : quantize8;
  const { block, codes, scales } = quantize(data, columns);
  const count = scales.length;
  const bytes = codes.length / count;
  const type = bits === 4 ? "uint4" : "uint8";
  const zeros = new Uint8Array(Math.ceil(count * bytes / block))
    .fill(bits === 4 ? 0x88 : 0x80);
  return (graph) => {
    const part = (dtype: DType, shape: Shape, held: Held["held"]) =>
      graph.external({ dtype, shape }, { held });
    return dequantize({
      ...{ bits, columns },
      codes: part("uint8", [rows, count / rows, bytes], codes),
      flat: part(type, [count, block], codes),
      scales: part("float32", [count], scales),
      zeros: part(type, [count], zeros),
    });
  };
}

/** The type of a weight's values: in memory they are in float32. */
function typeOf({ held, get }: Weights, name: string): string {
  return held?.has(name) ? "F32" : get(name)!.dtype;
}

function cannotHold(weights: Weights, name: string, reason: string): Error {
  const file = weights.get(name)?.file ?? "the adapter";
  return new RangeError(`Cannot hold tensor "${name}" of ${file} in ${reason}`);
}

/** Types of safetensors files → types of graphs. */
const STORED_TYPES: ReadonlyMap<string, DType> = new Map([
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
]);

/**
 * Adds a weight to a graph as its stored bytes, which stay in their file.
 *
 * @throws TypeError for a stored type that graphs do not know.
 */
function storedValue(
  graph: Graph,
  name: string,
  { file, begin, end, shape, dtype: stored }: LocatedTensor,
): Value {
  const dtype = STORED_TYPES.get(stored);
  if (dtype) {
    const location = { file, offset: begin, length: end - begin };
    return graph.external({ dtype, shape }, location);
  }
  throw new TypeError(
    `Cannot use tensor "${name}" of ${file}: it is stored as ${stored}, ` +
      `expected one of ${[...STORED_TYPES.keys()].join(", ")}`,
  );
}
