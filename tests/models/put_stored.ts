import { Buffer } from "node:buffer";
import {
  encodeHeader,
  type NamedTensor,
} from "lib/models/weights/safetensors_header.ts";

/** How numbers are stored, by the names of types in safetensors files. */
const STORED = {
  F64: (data: Float32Array) => Float64Array.from(data),
  F32: (data: Float32Array) => Float32Array.from(data),
  F16: (data: Float32Array) => Float16Array.from(data),
} as const;

/** Writes tensors of types of their own as a safetensors file. */
export async function putStored(
  path: string,
  tensors: readonly (NamedTensor & { readonly dtype: keyof typeof STORED })[],
): Promise<void> {
  const parts = [
    encodeHeader(tensors, {}),
    ...tensors.map(({ data, dtype }) =>
      new Uint8Array(STORED[dtype](data).buffer)
    ),
  ];
  await Deno.writeFile(path, Buffer.concat(parts));
}
