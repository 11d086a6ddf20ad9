import type { HeaderReader } from "./header_reader.ts";

type Scalar = number | bigint | boolean;

/** Numbers of one type. */
export type Numbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** What a field of the metadata holds; flags in a list are 0 and 1. */
export type MetadataValue = Scalar | string | Numbers | readonly string[];

interface ScalarType {
  readonly bytes: number;
  readonly read: (view: DataView) => Scalar;
  /** Elements of this type from their bytes. */
  readonly list: (bytes: ArrayBuffer) => Numbers;
}

/** Types of numbers and flags, by their numbers in the format. */
const SCALARS: ReadonlyMap<number, ScalarType> = new Map<number, ScalarType>([
  [0, {
    bytes: 1,
    read: (view) => view.getUint8(0),
    list: (bytes) => new Uint8Array(bytes),
  }],
  [1, {
    bytes: 1,
    read: (view) => view.getInt8(0),
    list: (bytes) => new Int8Array(bytes),
  }],
  [2, {
    bytes: 2,
    read: (view) => view.getUint16(0, true),
    list: (bytes) => new Uint16Array(bytes),
  }],
  [3, {
    bytes: 2,
    read: (view) => view.getInt16(0, true),
    list: (bytes) => new Int16Array(bytes),
  }],
  [4, {
    bytes: 4,
    read: (view) => view.getUint32(0, true),
    list: (bytes) => new Uint32Array(bytes),
  }],
  [5, {
    bytes: 4,
    read: (view) => view.getInt32(0, true),
    list: (bytes) => new Int32Array(bytes),
  }],
  [6, {
    bytes: 4,
    read: (view) => shortest(view.getFloat32(0, true)),
    list: (bytes) => new Float32Array(bytes),
  }],
  [7, {
    bytes: 1,
    read: (view) => view.getUint8(0) !== 0,
    list: (bytes) => new Uint8Array(bytes),
  }],
  [10, {
    bytes: 8,
    read: (view) => small(view.getBigUint64(0, true)),
    list: (bytes) => new BigUint64Array(bytes),
  }],
  [11, {
    bytes: 8,
    read: (view) => small(view.getBigInt64(0, true)),
    list: (bytes) => new BigInt64Array(bytes),
  }],
  [12, {
    bytes: 8,
    read: (view) => view.getFloat64(0, true),
    list: (bytes) => new Float64Array(bytes),
  }],
]);

const STRING = 8;
const LIST = 9;

/** Bytes of the length of a text. */
const LENGTH_BYTES = 8;

/** Reads a value behind the number of its type. */
export function readValue(reader: HeaderReader): MetadataValue {
  const type = reader.uint32();
  if (type === STRING) return reader.text();
  if (type === LIST) return readList(reader);
  const { bytes, read } = scalarType(reader, type);
  return read(reader.view(bytes));
}

function readList(reader: HeaderReader): MetadataValue {
  const type = reader.uint32();
  if (type === STRING) {
    const texts: string[] = [];
    const count = reader.count(LENGTH_BYTES);
    for (let i = 0; i < count; i++) texts.push(reader.text());
    return texts;
  }
  // ggml's own reader refuses lists of lists, too.
  if (type === LIST) throw reader.error("it is a list of lists");
  const { bytes, list } = scalarType(reader, type);
  return list(reader.bytes(reader.count(bytes) * bytes).slice().buffer);
}

function scalarType(reader: HeaderReader, type: number): ScalarType {
  const found = SCALARS.get(type);
  if (found) return found;
  throw reader.error(`its type is number ${type}, which is none of GGUF's`);
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The float32 as people write it: 1e-5, not 9.999999747378752e-6. */
export function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
