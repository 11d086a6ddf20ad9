import type { OrtValue } from "./ffi/ort_value.ts";

/** Numbers of a tensor; their type gives the element type. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>;

/** A tensor in the memory of this process. */
export interface HostTensor {
  /** Its numbers, row by row. */
  readonly data: TensorData;
  /** Its sizes. */
  readonly shape: readonly number[];
}

/** A tensor in the memory of a device; only a compiled graph looks inside. */
export interface DeviceTensor {
  /** @internal */
  readonly onDevice: OrtValue;
}

/** A tensor, wherever its numbers are. */
export type Tensor = HostTensor | DeviceTensor;
/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** A tensor's memory on a device under another shape, to be freed. */
export function viewOf(
  { onDevice }: DeviceTensor,
  shape: readonly number[],
): DeviceTensor {
  return { onDevice: onDevice.viewed(shape) };
}

/** Frees the memory that tensors have on a device; others are left alone. */
export function freeTensors(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) {
    if ("onDevice" in tensor) tensor.onDevice[Symbol.dispose]();
  }
}

/** A tensor that is in a device's memory. */
export function onDevice(tensor: Tensor | undefined): DeviceTensor {
  if (tensor && "onDevice" in tensor) return tensor;
  throw new TypeError("Cannot use a tensor: it is not on the device");
}

/** The numbers of a tensor that is in this process's memory. */
export function hostData(tensor: Tensor | undefined): TensorData {
  if (tensor && "data" in tensor) return tensor.data;
  throw new TypeError("Cannot read a tensor: it is not in host memory");
}
