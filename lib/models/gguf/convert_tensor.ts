import { elementCount } from "../weights/safetensors_header.ts";
import { byteCount, type GgufTensor } from "./gguf_file.ts";
import { readBytes } from "./header_reader.ts";

/** A change to a tensor's elements in GGUF, to be undone. */
export interface Arrangement {
  /** The order of rows; elements of a bias are rows. */
  readonly order?: RowOrder;
  /** Whether rows are columns. */
  readonly isTransposed?: boolean;
  /** A number that was added to each element. */
  readonly added?: number;
}

/** The order of rows in GGUF. */
export interface RowOrder {
  /** The projections that are in the tensor, for each head. */
  readonly projections: 1 | 3;
  /** Finds the stored row that becomes a row of the folder's tensor. */
  readonly storedRow: (row: number, sizes: RowSizes) => number;
}

export interface RowSizes {
  readonly rows: number;
  /** Rows of a head. */
  readonly headDim: number;
}

/** A stored tensor, and how it becomes one of a Hugging Face folder. */
export interface Conversion {
  /** Its name in the folder. */
  readonly name: string;
  readonly tensor: GgufTensor;
  readonly arrangement: Arrangement;
  /** Rows of a head. */
  readonly headDim: number;
}

/** Bytes converted at a time: small beside a tensor, large beside a call. */
const CHUNK_BYTES = 1 << 22;

/** The shape of a tensor in the folder. */
export function convertedShape(
  { tensor: { shape }, arrangement }: Conversion,
): readonly number[] {
  return arrangement.isTransposed ? shape.toReversed() : shape;
}

/**
 * Yields the elements as a safetensors file has them, some at a time.
 *
 * @param file the open GGUF file.
 * @throws Error that names the tensor, if it cannot be arranged so.
 */
export function* convertedBytes(
  file: Deno.FsFile,
  conversion: Conversion,
): Generator<Uint8Array> {
  const { tensor, arrangement } = conversion;
  if (arrangement.isTransposed && tensor.shape.length > 1) {
    yield transposed(file, tensor);
    return;
  }
  const { count, elements } = rowsOf(conversion);
  const step = Math.max(1, Math.floor(CHUNK_BYTES / (4 * elements)));
  for (let from = 0; from < count; from += step) {
    const to = Math.min(from + step, count);
    const stored = readRows(file, { ...conversion, elements, from, to });
    yield converted(stored, conversion);
  }
}

/** Rows, or blocks if rows keep their order. */
function rowsOf(
  { tensor: { shape, format }, arrangement }: Conversion,
): { count: number; elements: number } {
  const elements = !arrangement.order
    ? format.elements
    : shape.length === 1
    ? 1
    : shape.at(-1)!;
  return { count: elementCount(shape) / elements, elements };
}

interface RowRange extends Conversion {
  readonly elements: number;
  readonly from: number;
  readonly to: number;
}

function readRows(
  file: Deno.FsFile,
  { tensor, arrangement, headDim, elements, from, to }: RowRange,
): Uint8Array<ArrayBuffer> {
  const { begin, shape, format } = tensor;
  const rowBytes = elements / format.elements * format.bytes;
  const { order } = arrangement;
  if (!order) {
    const range = { at: begin + from * rowBytes };
    return readBytes(file, (to - from) * rowBytes, range);
  }
  const sizes = { rows: elementCount(shape) / elements, headDim };
  checkWhole(tensor, { ...order, ...sizes });
  const bytes = new Uint8Array((to - from) * rowBytes);
  for (let row = from; row < to; row++) {
    const at = begin + order.storedRow(row, sizes) * rowBytes;
    bytes.set(readBytes(file, rowBytes, { at }), (row - from) * rowBytes);
  }
  return bytes;
}

/** Checks that rows are whole heads, and that no block of a bias is cut. */
function checkWhole(
  { name, shape, format }: GgufTensor,
  { projections, rows, headDim }: RowOrder & RowSizes,
): void {
  if (
    rows % (projections * headDim) === 0 &&
    (shape.length > 1 || format.elements === 1)
  ) return;
  throw new Error(
    `tensor "${name}" has ${rows} rows of ${format.name}, ` +
      `expected whole heads of ${headDim}`,
  );
}

function converted(
  stored: Uint8Array<ArrayBuffer>,
  { tensor: { name, format }, arrangement: { added } }: Conversion,
): Uint8Array<ArrayBuffer> {
  if (added === undefined && !format.dequantize) return stored;
  if (format.dtype !== "F32") {
    throw new Error(`tensor "${name}" is of ${format.name}, expected F32`);
  }
  const values = format.dequantize
    ? new Float32Array(stored.length / format.bytes * format.elements)
    : new Float32Array(stored.buffer);
  format.dequantize?.(stored, values);
  if (added !== undefined) {
    for (let i = 0; i < values.length; i++) values[i]! -= added;
  }
  return new Uint8Array(values.buffer);
}

/** Transposes a whole tensor in memory: GPT-2's largest has 40 MB. */
function transposed(file: Deno.FsFile, tensor: GgufTensor): Uint8Array {
  const { shape, format, begin } = tensor;
  const stored = readBytes(file, byteCount(tensor), { at: begin });
  const plain = { name: "", tensor, arrangement: {}, headDim: 1 };
  const { buffer } = converted(stored, plain);
  const Words = format.dtype === "F32" ? Uint32Array : Uint16Array;
  const [rows, columns] = [elementCount(shape) / shape.at(-1)!, shape.at(-1)!];
  const from = new Words(buffer);
  const to = new Words(from.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      to[column * rows + row] = from[row * columns + column]!;
    }
  }
  return new Uint8Array(to.buffer);
}
