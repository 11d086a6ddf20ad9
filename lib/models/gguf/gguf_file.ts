import { refuseStandIn } from "../../files/stand_in.ts";
import { reasonOf } from "../../files/values.ts";
import { quote } from "../field_reader.ts";
import { elementCount } from "../weights/safetensors_header.ts";
import { HeaderReader } from "./header_reader.ts";
import { Metadata, type MetadataValue, readValue } from "./metadata.ts";
import type { BlockFormat } from "./block_format.ts";
import { blockFormat } from "./block_formats.ts";

/** A tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string;
  readonly format: BlockFormat;
  /** In PyTorch's order: the size of a row comes last. */
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly begin: number;
}

/** A GGUF file, its header read and checked. */
export interface GgufFile {
  readonly path: string;
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** A tensor as the header describes it. */
interface Entry extends Omit<GgufTensor, "begin"> {
  /** First byte, counted from the first of all tensors. */
  readonly offset: number;
}

const MAGIC = 0x46554747; // "GGUF"
const VERSIONS = [2, 3];
const MAX_DIMENSIONS = 4;
/** Characters of a tensor's name; ggml itself allows 63. */
const MAX_NAME = 127;

/** Least bytes of a field: its name's length, its type and a byte. */
const FIELD_BYTES = 13;
/** Least bytes of a tensor's entry: with an empty name and one dimension. */
const ENTRY_BYTES = 32;

/**
 * Reads the header of a GGUF file, and checks that tensors have sizes that their
 * formats allow and follow one another inside the file.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * `@huggingface/gguf` (0.4.6) is not used: it reads bytes that have not arrived
 * yet as zeros, so that it silently cuts texts off at multiples of 2 MB (a token
 * or merge of a large vocabulary) and finds fields and tensors past the end of a
 * file; its errors name no field; and its bounds let lists of lists grow far
 * beyond the file that claims them.
 *
 * @throws Error that names the file, and the field or tensor that is wrong.
 */
export async function readGguf(path: string): Promise<GgufFile> {
  try {
    await refuseStandIn(path);
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const reader = new HeaderReader(file, size);
    checkVersion(reader);
    reader.location = "its number of tensors";
    const tensorCount = reader.count(ENTRY_BYTES);
    const values = readMetadata(reader);
    const entries = readEntries(reader, tensorCount);
    const layout = { alignment: alignmentOf(values), from: reader.at, size };
    const tensors = locate(entries, layout);
    return { path, metadata: new Metadata(path, values), tensors };
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** Whether a path is that of a file whose name ends in `.gguf`. */
export async function isGgufFile(path: string): Promise<boolean> {
  if (!path.toLowerCase().endsWith(".gguf")) return false;
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

function checkVersion(reader: HeaderReader): void {
  if (reader.uint32() !== MAGIC) {
    throw new Error("it is no GGUF file: it does not begin with GGUF");
  }
  const version = reader.uint32();
  if (VERSIONS.includes(version)) return;
  const isSwapped = VERSIONS.some((known) => known << 24 === version);
  throw new Error(
    `it is GGUF ${isSwapped ? "in big-endian order" : `version ${version}`}, ` +
      `expected version 2 or 3 in little-endian order`,
  );
}

function readMetadata(reader: HeaderReader): Map<string, MetadataValue> {
  reader.location = "its number of fields";
  const count = reader.count(FIELD_BYTES);
  const values = new Map<string, MetadataValue>();
  for (let i = 0; i < count; i++) {
    reader.location = `name of field ${i}`;
    const key = reader.text();
    reader.location = `field ${quote(key)}`;
    if (values.has(key)) throw reader.error("it is there twice");
    values.set(key, readValue(reader));
  }
  return values;
}

function readEntries(reader: HeaderReader, count: number): Entry[] {
  const names = new Set<string>();
  return Array.from({ length: count }, (_, i) => {
    reader.location = `name of tensor ${i}`;
    const name = reader.text();
    reader.location = `tensor ${quote(name)}`;
    if (name.length > MAX_NAME) {
      throw reader.error(`its name has ${name.length} characters`);
    }
    if (names.has(name)) throw reader.error("it is there twice");
    names.add(name);
    return { name, ...readEntry(reader) };
  });
}

function readEntry(reader: HeaderReader): Omit<Entry, "name"> {
  const dimensions = reader.uint32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw reader.error(
      `it has ${dimensions} dimensions, expected 1 to ${MAX_DIMENSIONS}`,
    );
  }
  const shape = Array.from({ length: dimensions }, () => reader.size())
    .reverse();
  const format = formatOf(reader, reader.uint32());
  checkShape(reader, shape, format);
  return { shape, format, offset: reader.size() };
}

function formatOf(reader: HeaderReader, number: number): BlockFormat {
  try {
    return blockFormat(number);
  } catch (cause) {
    throw reader.error(reasonOf(cause));
  }
}

function checkShape(
  reader: HeaderReader,
  shape: readonly number[],
  { name, elements }: BlockFormat,
): void {
  const row = shape.at(-1)!;
  if (row % elements !== 0) {
    throw reader.error(
      `it has rows of ${row} elements, ` +
        `expected a multiple of ${elements} for ${name}`,
    );
  }
  if (!shape.includes(0) && Number.isSafeInteger(elementCount(shape))) return;
  throw reader.error(
    `it has shape [${shape}], expected sizes above 0 that a file can hold`,
  );
}

function alignmentOf(values: ReadonlyMap<string, MetadataValue>): number {
  const alignment = values.get("general.alignment") ?? 32;
  if (typeof alignment === "number" && Number.isInteger(Math.log2(alignment))) {
    return alignment;
  }
  throw new Error(
    `field "general.alignment" is ${alignment}, expected a power of 2`,
  );
}

/** Checks that tensors follow one another, each aligned, inside the file. */
function locate(
  entries: readonly Entry[],
  { alignment, from, size }: { alignment: number; from: number; size: number },
): Map<string, GgufTensor> {
  const aligned = (at: number) => Math.ceil(at / alignment) * alignment;
  const dataOffset = aligned(from);
  let next = 0;
  return new Map(entries.map(({ name, format, shape, offset }) => {
    const subject = `tensor ${quote(name)}`;
    if (offset !== next) {
      throw new Error(
        `${subject}: it begins at byte ${offset} of the tensors, ` +
          `expected ${next}, where the one before it ends`,
      );
    }
    const end = dataOffset + offset + byteCount({ format, shape });
    if (end > size) {
      throw new Error(
        `${subject}: it ends at byte ${end}, ` +
          `expected no more than the ${size} of the file`,
      );
    }
    next = aligned(end - dataOffset);
    return [name, { name, format, shape, begin: dataOffset + offset }];
  }));
}

/** The bytes of a tensor, or of some of its rows. */
export function byteCount(
  { format, shape }: Pick<GgufTensor, "format" | "shape">,
): number {
  return elementCount(shape) / format.elements * format.bytes;
}
