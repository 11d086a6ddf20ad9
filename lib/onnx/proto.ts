import type { External } from "./graph/constant_data.ts";
import type {
  Attribute,
  Constant,
  Graph,
  Node,
  Value,
  Written,
} from "./graph/graph.ts";
import type { DType, Shape } from "./graph/tensor_type.ts";
import { ProtoWriter } from "./proto_writer.ts";

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
  const out = new ProtoWriter();
  out.integer(1, IR_VERSION);
  out.text(2, "prefgrad");
  out.message(7, () => writeGraph(out, graph, outputs));
  for (
    const [domain, version] of [["", OPSET], ["com.microsoft", 1]] as const
  ) {
    out.message(8, () => {
      out.text(1, domain);
      out.integer(2, version);
    });
  }
  return out.written;
}

/**
 * The types of all values are written, although onnxruntime infers most: where
 * it finds no shape it looks for memory to use again among all values of unknown
 * shape, which takes a time that grows with the square of their number.
 */
function writeGraph(
  out: ProtoWriter,
  { nodes, constants, inputs }: Graph,
  outputs: readonly Value[],
): void {
  const isOutput = new Set(outputs);
  const inner = nodes.flatMap((node) =>
    node.outputs.filter((value) => !isOutput.has(value))
  );
  for (const node of nodes) out.message(1, () => writeNode(out, node));
  out.text(2, "graph");
  for (const each of constants) out.message(5, () => writeConstant(out, each));
  for (const value of inputs) out.message(11, () => writeValue(out, value));
  for (const value of outputs) out.message(12, () => writeValue(out, value));
  for (const value of inner) out.message(13, () => writeValue(out, value));
}

function writeNode(
  out: ProtoWriter,
  { op, inputs, outputs, attributes }: Node,
): void {
  for (const { name } of inputs) out.text(1, name);
  for (const { name } of outputs) out.text(2, name);
  out.text(4, op.name);
  for (const [name, attribute] of Object.entries(attributes)) {
    const written = op.written?.[name];
    if (written === "input") continue;
    out.message(5, () => {
      out.text(1, name);
      writeAttribute(out, attribute, written);
    });
  }
  out.text(7, op.domain ?? "");
}

function writeAttribute(
  out: ProtoWriter,
  attribute: Attribute,
  written?: Written,
): void {
  const value = written === "type" ? TYPE_NUMBERS.get(attribute) : attribute;
  const type = (number: number) => out.integer(20, number);
  if (written === "float") {
    out.float(2, Number(attribute));
    type(1);
  } else if (typeof value === "string") {
    out.text(4, value);
    type(3);
  } else if (typeof value === "object" && value !== null) {
    for (const x of value) out.integer(8, Number(x));
    type(7);
  } else {
    out.integer(3, Number(value));
    type(2);
  }
}

function writeConstant(out: ProtoWriter, { value, data }: Constant): void {
  for (const dim of value.shape) out.integer(1, Number(dim));
  out.integer(2, DATA_TYPES[value.dtype]);
  out.text(8, value.name);
  if ("file" in data) writeExternal(out, data);
  else out.bytes(9, bytesOf("held" in data ? data.held : data));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** `location` is relative to the folder of the `.onnx` file. */
function writeExternal(
  out: ProtoWriter,
  { file, offset, length }: External,
): void {
  const entries = Object.entries({ location: file, offset, length });
  for (const [key, text] of entries) {
    out.message(13, () => {
      out.text(1, key);
      out.text(2, String(text));
    });
  }
  out.integer(14, 1);
}

function writeValue(
  out: ProtoWriter,
  { name, dtype, shape }: Value,
): void {
  out.text(1, name);
  out.message(
    2,
    () => out.message(1, () => writeTensorType(out, dtype, shape)),
  );
}

function writeTensorType(out: ProtoWriter, dtype: DType, shape: Shape): void {
  out.integer(1, DATA_TYPES[dtype]);
  out.message(2, () => {
    for (const dim of shape) {
      out.message(
        1,
        () => typeof dim === "number" ? out.integer(1, dim) : out.text(2, dim),
      );
    }
  });
}
