import type { External } from "./graph/constant_data.ts";
import type {
  Attribute,
  Constant,
  Graph,
  Node,
  Value,
  Written,
} from "./graph/graph.ts";
import type { DType, Type } from "./graph/tensor_type.ts";

// Field numbers: https://github.com/onnx/onnx/blob/v1.20.0/onnx/onnx.proto3

/** Version of the standard operator set that every graph is written in. */
const OPSET = 21;
const IR_VERSION = 10;
const DATA_TYPES: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  uint4: 21,
};
const TYPE_NUMBERS = new Map<Attribute, number>(Object.entries(DATA_TYPES));

/** Encodes a graph as the bytes of an `.onnx` file. */
export function encodeModel(
  graph: Graph,
  outputs: readonly Value[],
): Uint8Array<ArrayBuffer> {
  return join([
    varint(1, IR_VERSION),
    field(2, utf8("prefgrad")),
    field(7, encodeGraph(graph, outputs)),
    field(8, join([field(1, utf8("")), varint(2, OPSET)])),
    field(8, join([field(1, utf8("com.microsoft")), varint(2, 1)])),
  ]);
}

/**
 * The types of all values are written, although onnxruntime infers most: where
 * it finds no shape it looks for memory to use again among all values of unknown
 * shape, which takes a time that grows with the square of their number.
 */
function encodeGraph(graph: Graph, outputs: readonly Value[]): Uint8Array {
  const isOutput = new Set(outputs);
  const inner = graph.nodes.flatMap((node) =>
    node.outputs.filter((value) => !isOutput.has(value))
  );
  return join([
    ...graph.nodes.map((node) => field(1, encodeNode(node))),
    field(2, utf8("graph")),
    ...graph.constants.map((constant) => field(5, encodeConstant(constant))),
    ...graph.inputs.map((value) => field(11, encodeValue(value))),
    ...outputs.map((value) => field(12, encodeValue(value))),
    ...inner.map((value) => field(13, encodeValue(value))),
  ]);
}

function encodeNode({ op, inputs, outputs, attributes }: Node): Uint8Array {
  return join([
    ...inputs.map((value) => field(1, utf8(value.name))),
    ...outputs.map((value) => field(2, utf8(value.name))),
    field(4, utf8(op.name)),
    ...Object.entries(attributes)
      .filter(([name]) => op.written?.[name] !== "input")
      .map(([name, attribute]) => {
        const value = encodeAttribute(attribute, op.written?.[name]);
        return field(5, join([field(1, utf8(name)), ...value]));
      }),
    field(7, utf8(op.domain ?? "")),
  ]);
}

function encodeAttribute(
  attribute: Attribute,
  written?: Written,
): Uint8Array[] {
  if (written === "float") return [float(2, Number(attribute)), varint(20, 1)];
  const value = written === "type" ? TYPE_NUMBERS.get(attribute) : attribute;
  if (typeof value === "string") {
    return [field(4, utf8(value)), varint(20, 3)];
  }
  if (typeof value === "object" && value !== null) {
    return [...value.map((x) => varint(8, Number(x))), varint(20, 7)];
  }
  return [varint(3, Number(value)), varint(20, 2)];
}

function encodeConstant({ value, data }: Constant): Uint8Array {
  return join([
    ...value.shape.map((dim) => varint(1, Number(dim))),
    varint(2, DATA_TYPES[value.dtype]),
    field(8, utf8(value.name)),
    ...("file" in data
      ? encodeExternal(data)
      : [field(9, bytesOf("held" in data ? data.held : data))]),
  ]);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** `location` is relative to the folder of the `.onnx` file. */
function encodeExternal({ file, offset, length }: External): Uint8Array[] {
  const entries = Object.entries({ location: file, offset, length });
  return [
    ...entries.map(([key, text]) =>
      field(13, join([field(1, utf8(key)), field(2, utf8(String(text)))]))
    ),
    varint(14, 1),
  ];
}

function encodeValue({ name, dtype, shape }: Type & { name: string }) {
  const dims = shape.map((dim) =>
    field(
      1,
      typeof dim === "number" ? varint(1, dim) : field(2, utf8(dim)),
    )
  );
  const tensor = join([varint(1, DATA_TYPES[dtype]), field(2, join(dims))]);
  return join([field(1, utf8(name)), field(2, field(1, tensor))]);
}

function varint(number: number, value: number): Uint8Array {
  return join([raw(number << 3), raw(value)]);
}

function float(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return join([raw((number << 3) | 5), bytes]);
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return join([raw((number << 3) | 2), raw(bytes.length), bytes]);
}

/** Base-128 digits, least significant first; two's complement if negative. */
function raw(value: number): Uint8Array {
  if (value >= 0 && value < 128) return Uint8Array.of(value);
  const digits: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) digits.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...digits, Number(rest));
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const encoder = new TextEncoder();
const utf8 = (text: string): Uint8Array => encoder.encode(text);
