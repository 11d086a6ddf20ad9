import { isObject, reasonOf } from "../../files/values.ts";
import { decodeText, parseJson } from "../../files/read_json.ts";
import { quote } from "../field_reader.ts";

/** Bytes of one element of each type a safetensors file may hold. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

/** Element type of a stored tensor. */
export type Dtype = keyof typeof ELEMENT_BYTES;

/** A stored tensor: its type, shape and location in the file. */
export interface StoredTensor {
  /** Type of its elements. */
  readonly dtype: Dtype;
  /** Sizes of its dimensions. */
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly begin: number;
  /** The byte after the last. */
  readonly end: number;
}

/** The header of a safetensors file. */
export interface Header {
  /** Tensors in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The header's entry of a tensor to be written. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A tensor to be written. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Name of the header's entry that is no tensor. */
const METADATA = "__metadata__";

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Decodes the JSON of a header and checks it against the file: every tensor has a
 * known type and as many bytes as its shape needs, and the tensors follow one
 * another without gaps up to the file's end.
 * Format: https://github.com/huggingface/safetensors#format
 *
 * @param text the JSON.
 * @param file `dataOffset`: first byte after the header; `size`: of the file.
 * @throws Error that names the fault.
 */
export function decodeHeader(
  text: Uint8Array,
  file: { dataOffset: number; size: number },
): Header {
  const entries = new Map(Object.entries(parseObject(text)));
  const metadata = entries.get(METADATA) ?? {};
  entries.delete(METADATA);
  if (!isStrings(metadata)) {
    throw new Error("its __metadata__ is not an object of strings");
  }
  const tensors = [...entries]
    .map(([name, entry]) => decodeEntry(name, { entry, ...file }))
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkLayout(tensors, file);
  return { tensors: new Map(tensors), metadata };
}

/**
 * Encodes the first bytes of a file: the length of the header, and the header,
 * padded with blanks so that the tensors begin at a multiple of 8.
 *
 * @throws RangeError for a name used twice.
 */
export function encodeHeader(
  tensors: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = new Map<string, unknown>([[METADATA, metadata]]);
  let begin = 0;
  for (const { name, dtype, shape } of tensors) {
    if (entries.has(name)) {
      throw new RangeError(`Cannot write tensor "${name}" twice in one file`);
    }
    const end = begin + elementCount(shape) * ELEMENT_BYTES[dtype];
    entries.set(name, { dtype, shape, data_offsets: [begin, end] });
    begin = end;
  }
  const text = new TextEncoder().encode(
    JSON.stringify(Object.fromEntries(entries)),
  );
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(" ".charCodeAt(0));
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

function parseObject(text: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = parseJson(decodeText(text));
  } catch (cause) {
    const reason = cause instanceof SyntaxError
      ? "is not valid JSON"
      : `cannot be used: ${reasonOf(cause)}`;
    throw new Error(`its header ${reason}`, { cause });
  }
  if (isObject(header)) return header;
  throw new Error("its header is not a JSON object");
}

function decodeEntry(
  name: string,
  { entry, dataOffset }: { entry: unknown; dataOffset: number },
): [string, StoredTensor] {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (!isDtype(dtype)) {
    throw new Error(
      `tensor ${quote(name)} has type ${quote(dtype)}, expected one of ` +
        Object.keys(ELEMENT_BYTES).join(", "),
    );
  }
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw new Error(
      `tensor ${quote(name)} has shape ${quote(shape)} and data_offsets ` +
        `${quote(offsets)}, expected a list of sizes and two offsets`,
    );
  }
  const [begin = 0, end = 0] = offsets.map((offset) => dataOffset + offset);
  const bytes = byteCount(shape, dtype);
  if (end - begin !== bytes) {
    throw new Error(
      `tensor ${quote(name)} has ${end - begin} bytes, expected ${bytes} for ` +
        `${dtype} [${shape.slice(0, 8)}]`,
    );
  }
  return [name, { dtype, shape, begin, end }];
}

/** Bytes of a tensor; Infinity if a number cannot hold a product on the way. */
function byteCount(shape: readonly number[], dtype: Dtype): number {
  return shape.reduce((product, size) => {
    const next = product * size;
    return Number.isSafeInteger(next) ? next : Infinity;
  }, ELEMENT_BYTES[dtype]);
}

function checkLayout(
  tensors: readonly (readonly [string, StoredTensor])[],
  { dataOffset, size }: { dataOffset: number; size: number },
): void {
  let end = dataOffset;
  for (const [name, tensor] of tensors) {
    if (tensor.begin !== end) {
      throw new Error(
        `tensor ${quote(name)} begins at byte ${tensor.begin}, ` +
          `expected ${end}, where the one before it ends`,
      );
    }
    end = tensor.end;
  }
  if (end === size) return;
  const problem = size < end ? "truncated" : "bytes after its last tensor";
  throw new Error(`${problem}: expected ${end} bytes, found ${size}`);
}

function isStrings(value: unknown): value is Record<string, string> {
  return isObject(value) &&
    Object.values(value).every((text) => typeof text === "string");
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(ELEMENT_BYTES, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
