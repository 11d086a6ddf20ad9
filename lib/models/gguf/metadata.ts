import { isIndex, quote } from "../config_json/config_reader.ts";
import type { HeaderReader } from "./header_reader.ts";

/**
 * The metadata of a GGUF file, read field by field. A field that is missing or
 * of another type is an error that names file, field, what is found and what
 * was expected.
 */
export class Metadata {
  readonly #prefix: string;

  constructor(
    readonly path: string,
    readonly values: ReadonlyMap<string, MetadataValue>,
    prefix = "",
  ) {
    this.#prefix = prefix;
  }

  /** The fields of which the keys begin so. */
  under(prefix: string): Metadata {
    return new Metadata(this.path, this.values, prefix);
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  text(key: string, fallback?: string): string {
    const value = this.#get(key) ?? fallback;
    if (typeof value === "string") return value;
    throw this.error(key, "a text");
  }

  /** A whole number above zero. */
  count(key: string, fallback?: number): number {
    const value = this.#get(key) ?? fallback;
    if (isIndex(value) && value > 0) return value;
    throw this.error(key, "a whole number above 0");
  }

  /** A finite number above zero. */
  positive(key: string, fallback?: number): number {
    const value = this.#get(key) ?? fallback;
    if (typeof value === "number" && value > 0 && value < Infinity) {
      return value;
    }
    throw this.error(key, "a number above 0");
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#get(key) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.error(key, "true or false");
  }

  /** The place of something in a list of so many; `null` without the field. */
  index(key: string, length: number): number | null {
    const value = this.#get(key) ?? null;
    if (value === null || isIndex(value) && value < length) return value;
    throw this.error(key, `a whole number below ${length}`);
  }

  texts(key: string): readonly string[] {
    const value = this.#get(key);
    if (Array.isArray(value)) return value;
    throw this.error(key, "a list of texts");
  }

  /** So many numbers; `null` without the field. */
  numbers(key: string, length: number): readonly number[] | null {
    const value = this.#get(key);
    if (value === undefined) return null;
    if (ArrayBuffer.isView(value) && value.length === length) {
      return Array.from(value, Number);
    }
    throw this.error(key, `a list of ${length} numbers`);
  }

  /**
   * @throws Error where the field is there and holds nothing of what is listed.
   */
  only(key: string, allowed: readonly MetadataValue[]): void {
    const value = this.#get(key);
    if (value === undefined || allowed.includes(value)) return;
    throw this.error(key, `${allowed.join(" or ")}, all that is supported`);
  }

  /** An error on a field: what is found, and what was expected. */
  error(key: string, expected: string): Error {
    return new Error(
      `Cannot read ${this.path}: field "${this.#prefix}${key}" is ${
        describe(this.#get(key))
      }, expected ${expected}`,
    );
  }

  #get(key: string): MetadataValue | undefined {
    return this.values.get(this.#prefix + key);
  }
}

function describe(value: MetadataValue | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "object") return `a list of ${value.length}`;
  return typeof value === "string" ? quote(value) : `${value}`;
}

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
