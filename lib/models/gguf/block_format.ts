/** How the elements of a GGUF tensor are stored. */
export interface BlockFormat {
  /** As `ggml.h` calls it. */
  readonly name: string;
  /** Elements of a block; rows are whole blocks. */
  readonly elements: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /** The type of a safetensors file that holds the elements exactly. */
  readonly dtype: "F32" | "F16" | "BF16";
  /**
   * Converts whole blocks to float32; `null` if the stored bytes are the elements.
   * Every value is computed exactly and rounded once.
   */
  readonly dequantize: null | ((blocks: Uint8Array, out: Float32Array) => void);
}

/** Makes a format of plain elements. */
export function plainFormat(
  name: BlockFormat["dtype"],
  bytes: number,
): BlockFormat {
  return { name, elements: 1, bytes, dtype: name, dequantize: null };
}

/**
 * Makes a format of blocks that share scales.
 *
 * @param format `block` converts the block at byte `from` of `blocks` into the
 * elements of `out` from `to` on.
 */
export function quantizedFormat(
  { block, ...format }: Pick<BlockFormat, "name" | "elements" | "bytes"> & {
    block(
      blocks: Uint8Array,
      from: number,
      target: { out: Float32Array; to: number },
    ): void;
  },
): BlockFormat {
  const { elements, bytes } = format;
  return {
    ...format,
    dtype: "F32",
    dequantize: (blocks, out) => {
      const target = { out, to: 0 };
      for (let from = 0; target.to < out.length; from += bytes) {
        block(blocks, from, target);
        target.to += elements;
      }
    },
  };
}

/** Every float16 as float32, by its bits. */
const HALVES = Float32Array.from(
  new Float16Array(Uint16Array.from({ length: 1 << 16 }, (_, i) => i).buffer),
);

/** The float16 at a byte. */
export function half(bytes: Uint8Array, at: number): number {
  return HALVES[bytes[at]! | bytes[at + 1]! << 8]!;
}

/** The signed byte at a byte. */
export function signed(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 >> 24;
}
