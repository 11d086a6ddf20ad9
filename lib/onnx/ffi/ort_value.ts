import { api, check, made } from "./library.ts";
import { cString } from "./strings.ts";

/** Arrays that hold elements of a tensor; a `Uint16Array` has the bits of float16. */
export type Elements =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>;

/** Elements in the memory of this process. */
export interface HostArray<Data extends Elements = Elements> {
  readonly data: Data;
  readonly shape: readonly number[];
  /** Set where a byte of `data` holds two elements. @default false */
  readonly isPacked?: boolean;
}

interface ElementsConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): Elements;
}

/** Arrays by numbers of `ONNXTensorElementDataType`. */
const ARRAYS = new Map<number, ElementsConstructor>([
  [1, Float32Array],
  [2, Uint8Array],
  [3, Int8Array],
  [6, Int32Array],
  [7, BigInt64Array],
  [10, Uint16Array],
  [11, Float64Array],
]);
const TYPES = new Map(ARRAYS.entries().map(([type, { name }]) => [name, type]));
/** The number of uint4. */
const PACKED = 21;

function arraysOf(type: number): ElementsConstructor {
  const found = ARRAYS.get(type);
  if (found) return found;
  throw new TypeError(`Cannot read a tensor: its type is number ${type}`);
}

/** Sizes as C has them. */
function sizesOf(shape: readonly number[]): BigInt64Array<ArrayBuffer> {
  const sizes = new BigInt64Array(shape.length);
  for (let i = 0; i < shape.length; i++) sizes[i] = BigInt(shape[i]!);
  return sizes;
}

/** Memory of a kind: `OrtDeviceAllocator`, device 0, `OrtMemTypeDefault`. */
export function memoryOf(kind: string): bigint {
  const name = cString(kind);
  return made((out) => api.createMemoryInfo.call(name, 0, 0, 0, out));
}

/** The memory of this process. */
export const HOST = memoryOf("Cpu");

/** A tensor of onnxruntime. */
export class OrtValue implements Disposable {
  /**
   * @param data the memory of JavaScript that it lies in, which must stay as
   * long as it is used.
   */
  constructor(
    readonly address: bigint,
    readonly data: Elements | null = null,
  ) {}

  /** A tensor that lies in an array. */
  static over({ data, shape, isPacked = false }: HostArray): OrtValue {
    const { buffer, byteOffset, byteLength } = data;
    // An empty buffer has no address.
    const bytes = byteLength > 0
      ? new Uint8Array(buffer, byteOffset, byteLength)
      : new Uint8Array(8);
    const [sizes, rank] = [sizesOf(shape), BigInt(shape.length)];
    const type = isPacked ? PACKED : TYPES.get(data[Symbol.toStringTag])!;
    const address = made((out) =>
      api.createTensorWithDataAsOrtValue
        .call(HOST, bytes, BigInt(byteLength), sizes, rank, type, out)
    );
    return new OrtValue(address, data);
  }

  /** The same memory, of any device, under another shape. */
  viewed(shape: readonly number[]): OrtValue {
    using info = new TensorInfo(this.address);
    const { type } = info;
    const memory = made((out) =>
      api.getTensorMemoryInfo.call(this.address, out)
    );
    const data = made((out) =>
      api.getTensorMutableData.call(this.address, out)
    );
    const size = shape.reduce(
      (a, b) => a * b,
      arraysOf(type).BYTES_PER_ELEMENT,
    );
    const [sizes, rank] = [sizesOf(shape), BigInt(shape.length)];
    const address = made((out) =>
      api.createTensorOverAddress
        .call(memory, data, BigInt(size), sizes, rank, type, out)
    );
    return new OrtValue(address);
  }

  /** Where its elements are, in the memory of any device, and how many. */
  get memory(): { address: bigint; length: number } {
    using info = new TensorInfo(this.address);
    const address = made((out) =>
      api.getTensorMutableData.call(this.address, out)
    );
    return { address, length: info.shape.reduce((a, b) => a * b, 1) };
  }

  /** A copy of the tensor, which must be in the memory of this process. */
  read(): HostArray {
    using info = new TensorInfo(this.address);
    const { type, shape } = info;
    const Elements = arraysOf(type);
    const size = shape.reduce((a, b) => a * b, Elements.BYTES_PER_ELEMENT);
    return { data: new Elements(this.#copy(size)), shape };
  }

  [Symbol.dispose](): void {
    api.releaseValue.call(this.address);
  }

  #copy(size: number): ArrayBuffer {
    if (size === 0) return new ArrayBuffer(0);
    const data = made((out) =>
      api.getTensorMutableData.call(this.address, out)
    );
    const pointer = Deno.UnsafePointer.create(data)!;
    return Deno.UnsafePointerView.getArrayBuffer(pointer, size).slice(0);
  }
}

/** Type and sizes of a tensor. */
class TensorInfo implements Disposable {
  readonly #address: bigint;

  constructor(value: bigint) {
    this.#address = made((out) => api.getTensorTypeAndShape.call(value, out));
  }

  get type(): number {
    const type = new Int32Array(1);
    check(api.getTensorElementType.call(this.#address, type));
    return type[0]!;
  }

  get shape(): number[] {
    const rank = made((out) => api.getDimensionsCount.call(this.#address, out));
    const sizes = new BigInt64Array(Number(rank));
    check(api.getDimensions.call(this.#address, sizes, rank));
    return Array.from(sizes, Number);
  }

  [Symbol.dispose](): void {
    api.releaseTensorTypeAndShapeInfo.call(this.#address);
  }
}
