import { writeAtomically } from "../../files/atomic.ts";
import { reasonOf } from "../../files/values.ts";
import { encodeFloats, type FloatDtype } from "./encode_floats.ts";
import {
  elementCount,
  encodeHeader,
  type NamedTensor,
} from "./safetensors_header.ts";

/** A tensor that is made when it is written, and dropped afterwards. */
export interface TensorSource {
  readonly name: string;
  readonly shape: readonly number[];
  read(): Promise<Float32Array>;
}

export interface WriteOptions {
  /** The type that elements are rounded to. @default "F32" */
  dtype?: FloatDtype;
  /** Metadata of the file. @default { format: "pt" }, which transformers requires */
  metadata?: Readonly<Record<string, string>>;
}

/** Writes tensors that are in memory as {@linkcode writeTensors} does. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  await writeTensors(path, tensors.map(inMemory), metadata && { metadata });
}

/** Makes a source of a tensor in memory. */
export function inMemory({ name, shape, data }: NamedTensor): TensorSource {
  return { name, shape, read: () => Promise.resolve(data) };
}

/**
 * Writes tensors one after another, atomically, sorted by name, so that equal
 * tensors make equal files. No two tensors are in memory at once.
 *
 * @throws Error that names file and tensor: used twice, with data that do not fit
 * the shape, or with a number beyond the range of the type.
 */
export async function writeTensors(
  path: string,
  tensors: readonly TensorSource[],
  { dtype = "F32", metadata = { format: "pt" } }: WriteOptions = {},
): Promise<void> {
  const sorted = tensors.toSorted((a, b) => a.name < b.name ? -1 : 1);
  const header = encodeHeader(
    sorted.map(({ name, shape }) => ({ name, shape, dtype })),
    metadata,
  );
  await writeAtomically(path, async (temporary) => {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    await writeBytes(file, header);
    for (const tensor of sorted) {
      await writeBytes(file, await bytesOf(tensor, dtype));
    }
  });
}

async function bytesOf(
  { name, shape, read }: TensorSource,
  dtype: FloatDtype,
): Promise<Uint8Array> {
  const data = await read();
  if (data.length !== elementCount(shape)) {
    throw new RangeError(
      `Cannot write tensor "${name}": shape [${shape}] needs ` +
        `${elementCount(shape)} elements, found ${data.length}`,
    );
  }
  try {
    return encodeFloats(data, dtype);
  } catch (cause) {
    throw new RangeError(
      `Cannot write tensor "${name}": ${reasonOf(cause)}`,
      { cause },
    );
  }
}

async function writeBytes(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}
