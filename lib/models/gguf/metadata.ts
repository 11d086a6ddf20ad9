import { FieldReader, isIndex } from "../field_reader.ts";
import type { HeaderReader } from "./header_reader.ts";

/** Reads the metadata of a GGUF file, field by field. */
export class Metadata extends FieldReader {
  readonly #prefix: string;

  constructor(
    path: string,
    readonly values: ReadonlyMap<string, MetadataValue>,
    prefix = "",
  ) {
    super(path, prefix);
    this.#prefix = prefix;
  }

  protected override get(key: string): MetadataValue | undefined {
    return this.values.get(this.#prefix + key);
  }

  /** The fields whose keys begin with a prefix, by the rest of their keys. */
  under(prefix: string): Metadata {
    return new Metadata(this.path, this.values, prefix);
  }

  /** A position in a list of so many; `null` without the field. */
  index(key: string, length: number): number | null {
    const value = this.get(key) ?? null;
    if (value === null || isIndex(value) && value < length) return value;
    throw this.error(key, `a whole number below ${length}`);
  }

  texts(key: string): readonly string[] {
    const value = this.get(key);
    if (Array.isArray(value)) return value;
    throw this.error(key, "a list of texts");
  }

  /** So many numbers; `null` without the field. */
  numbers(key: string, length: number): readonly number[] | null {
    const value = this.get(key);
    if (value === undefined) return null;
    if (ArrayBuffer.isView(value) && value.length === length) {
      return Array.from(value, Number);
    }
    throw this.error(key, `a list of ${length} numbers`);
  }

  /**
   * Checks that a field is absent or holds one of the values that are allowed.
   *
   * @throws Error where it holds another one.
   */
  only(key: string, allowed: readonly MetadataValue[]): void {
    const value = this.get(key);
    if (value === undefined || allowed.includes(value)) return;
    throw this.error(key, `${allowed.join(" or ")}, all that is supported`);
  }

  protected override describe(value: MetadataValue): string {
    if (typeof value === "object") return `a list of ${value.length}`;
    return typeof value === "string" ? super.describe(value) : `${value}`;
  }
}

/** Numbers of one type. */
type Numbers =
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

/** A field's value; flags in a list are 0 and 1. */
export type MetadataValue =
  | number
  | bigint
  | boolean
  | string
  | Numbers
  | readonly string[];

interface NumberType {
  /** Bytes of a number. */
  readonly BYTES_PER_ELEMENT: number;
  new (bytes: ArrayBuffer): Numbers;
}

const BOOL = 7;
const STRING = 8;
const LIST = 9;

/** Types of numbers and flags, by their numbers in the format. */
const NUMBERS: ReadonlyMap<number, NumberType> = new Map<number, NumberType>([
  [0, Uint8Array],
  [1, Int8Array],
  [2, Uint16Array],
  [3, Int16Array],
  [4, Uint32Array],
  [5, Int32Array],
  [6, Float32Array],
  [BOOL, Uint8Array],
  [10, BigUint64Array],
  [11, BigInt64Array],
  [12, Float64Array],
]);

/** Bytes of the length of a text. */
const LENGTH_BYTES = 8;

/** Reads a value behind the number of its type. */
export function readValue(reader: HeaderReader): MetadataValue {
  const type = reader.uint32();
  if (type === STRING) return reader.text();
  if (type === LIST) return readList(reader);
  const numbers = readNumbers(reader, type, () => 1);
  const value = numbers[0]!;
  if (type === BOOL) return value !== 0;
  if (typeof value === "bigint") return small(value);
  return numbers instanceof Float32Array ? shortest(value) : value;
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
  return readNumbers(reader, type, (bytes) => reader.count(bytes));
}

/** @param count finds how many numbers there are, of so many bytes each. */
function readNumbers(
  reader: HeaderReader,
  type: number,
  count: (bytes: number) => number,
): Numbers {
  const Type = NUMBERS.get(type);
  if (!Type) {
    throw reader.error(`its type is number ${type}, which is none of GGUF's`);
  }
  const size = Type.BYTES_PER_ELEMENT;
  return new Type(reader.bytes(count(size) * size).slice().buffer);
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
