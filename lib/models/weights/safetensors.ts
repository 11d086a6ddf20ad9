import { dirname } from "node:path";
import { reasonOf } from "../../files/values.ts";
import { realFile } from "../../files/real_file.ts";
import {
  decodeHeader,
  type Dtype,
  ELEMENT_BYTES,
  elementCount,
  type Header,
} from "./safetensors_header.ts";

/** A safetensors file, its header read and checked. */
export interface SafetensorsFile extends Header {
  /** Real path, free of symbolic links. */
  readonly path: string;
  /** First byte after the header. */
  readonly dataOffset: number;
}

type Decoder = (
  bytes: Uint8Array<ArrayBuffer>,
  out: Float32Array<ArrayBuffer>,
) => void;

/** Conversions to float32: exact, except for F64, which is rounded to nearest. */
const DECODERS: Partial<Record<Dtype, Decoder>> = {
  F64: ({ buffer }, out) => out.set(new Float64Array(buffer, 0, out.length)),
  F32: ({ buffer }, out) => out.set(new Float32Array(buffer, 0, out.length)),
  F16: ({ buffer }, out) => out.set(new Float16Array(buffer, 0, out.length)),
  BF16: decodeBfloat16,
};

/** The limit that the format's own reader sets. */
const MAX_HEADER_BYTES = 100_000_000;
/** Bytes converted at a time: small beside a tensor, large beside a call. */
const CHUNK_BYTES = 1 << 22;

/**
 * Reads and checks the header of a safetensors file.
 *
 * @throws Error that names the file, and its fault: it is malformed, or leads out
 * of its folder.
 */
export async function readHeader(path: string): Promise<SafetensorsFile> {
  try {
    const real = await realFile(path);
    using file = await Deno.open(real);
    const { size } = await file.stat();
    const text = await readHeaderText(file, size);
    const dataOffset = 8 + text.length;
    const header = decodeHeader(text, { dataOffset, size });
    return { path: real, dataOffset, ...header };
  } catch (cause) {
    const note = cause instanceof Deno.errors.NotFound
      ? await pickleNote(dirname(path))
      : "";
    throw new Error(`Cannot read ${path}: ${reasonOf(cause)}${note}`, {
      cause,
    });
  }
}

/**
 * Reads one tensor, and nothing else of its file, as float32.
 *
 * @throws Error if the file has no such tensor, or its type is not a float of 16,
 * 32 or 64 bits.
 */
export async function readTensor(
  source: SafetensorsFile,
  name: string,
): Promise<Float32Array<ArrayBuffer>> {
  const { begin, out, chunks } = decodingOf(source, name);
  using file = await Deno.open(source.path);
  await file.seek(begin, Deno.SeekMode.Start);
  for (const { bytes, decode } of chunks) {
    await fill(file, bytes);
    decode();
  }
  return out;
}

/** Reads a tensor as {@linkcode readTensor} does, at once. */
export function readTensorSync(
  source: SafetensorsFile,
  name: string,
): Float32Array<ArrayBuffer> {
  const { begin, out, chunks } = decodingOf(source, name);
  using file = Deno.openSync(source.path);
  file.seekSync(begin, Deno.SeekMode.Start);
  for (const { bytes, decode } of chunks) {
    fillSync(file, bytes);
    decode();
  }
  return out;
}

/** The bytes of a tensor, chunk by chunk, and where they are decoded to. */
interface Decoding {
  readonly begin: number;
  readonly out: Float32Array<ArrayBuffer>;
  /** To be filled in turn, each decoded before the next. */
  readonly chunks: Iterable<{
    readonly bytes: Uint8Array<ArrayBuffer>;
    decode(): void;
  }>;
}

function decodingOf(
  { path, tensors }: SafetensorsFile,
  name: string,
): Decoding {
  const tensor = tensors.get(name);
  if (!tensor) throw new RangeError(`Cannot read ${path}: no tensor "${name}"`);
  const { dtype, shape, begin } = tensor;
  const decoder = DECODERS[dtype];
  if (!decoder) {
    throw new TypeError(
      `Cannot read tensor "${name}" of ${path}: its type is ${dtype}, ` +
        `expected one of ${Object.keys(DECODERS).join(", ")}`,
    );
  }
  const out = new Float32Array(elementCount(shape));
  return { begin, out, chunks: chunksOf(out, ELEMENT_BYTES[dtype], decoder) };
}

function* chunksOf(
  out: Float32Array<ArrayBuffer>,
  elementBytes: number,
  decoder: Decoder,
): Generator<{ bytes: Uint8Array<ArrayBuffer>; decode(): void }> {
  const step = CHUNK_BYTES / elementBytes;
  const chunk = new Uint8Array(Math.min(step, out.length) * elementBytes);
  for (let at = 0; at < out.length; at += step) {
    const part = out.subarray(at, at + step);
    const bytes = chunk.subarray(0, part.length * elementBytes);
    yield { bytes, decode: () => decoder(bytes, part) };
  }
}

async function readHeaderText(
  file: Deno.FsFile,
  size: number,
): Promise<Uint8Array> {
  if (size < 8) {
    throw new Error(`${size} bytes are too few for a safetensors file`);
  }
  const prefix = new Uint8Array(8);
  await fill(file, prefix);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw new Error(
      `it is no safetensors file: its header would be ${length} bytes long`,
    );
  }
  if (8 + length > size) {
    throw new Error(
      `truncated in its header: expected at least ${8 + length} bytes, ` +
        `found ${size}`,
    );
  }
  const text = new Uint8Array(length);
  await fill(file, text);
  return text;
}

/** A bfloat16 is the upper half of a float32. */
function decodeBfloat16(
  { buffer }: Uint8Array<ArrayBuffer>,
  out: Float32Array<ArrayBuffer>,
): void {
  const halves = new Uint16Array(buffer, 0, out.length);
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
}

/**
 * Fills an array with the next bytes of a file.
 *
 * @throws Error if the file ends before.
 */
export async function fill(
  file: Deno.FsFile,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) {
      throw new Error(`it ended ${bytes.length - at} bytes early`);
    }
    at += count;
  }
}

function fillSync(file: Deno.FsFile, bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) {
      throw new Error(`it ended ${bytes.length - at} bytes early`);
    }
    at += count;
  }
}

/** Files that are Python programs: to read them is to run them. */
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/;

/**
 * Explains, for an error about missing weights, that a pickle in the folder is
 * not read, why, and what to do. Empty if the folder has none.
 */
export async function pickleNote(folder: string): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  const pickle = entries.find(({ name }) => PICKLE.test(name));
  if (!pickle) return "";
  return `; ${pickle.name} is a pickle, which runs code when it is read: ` +
    `where you trust it, load it in Python and save it as safetensors`;
}
