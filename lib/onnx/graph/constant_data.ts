import type { DType } from "./tensor_type.ts";

/** Numbers of a constant; their type gives the element type. */
export type ConstantData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Location of the bytes of a stored weight. */
export interface External {
  /** Path of the file. */
  readonly file: string;
  /** Bytes before the tensor. */
  readonly offset: number;
  /** Bytes of the tensor. */
  readonly length: number;
}

/** Weights in this process's memory, which every session reads there. */
export interface Held {
  /** Bits of float16 as whole numbers. */
  readonly held:
    | Float32Array<ArrayBuffer>
    | Int8Array<ArrayBuffer>
    | Uint8Array<ArrayBuffer>
    | Uint16Array<ArrayBuffer>;
}

/** Type of the elements. */
export function dtypeOf(data: ConstantData): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Uint8Array) return "uint8";
  return data instanceof Int32Array ? "int32" : "int64";
}
