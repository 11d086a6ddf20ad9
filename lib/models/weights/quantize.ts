/** A matrix in few bits, with a scale for each block of a row. */
export interface QuantizedMatrix {
  /** Columns of a block; where rows end before their last one, it holds zeros. */
  readonly block: number;
  /**
   * w ≈ scale · (code − zero), row by row; of two codes in 4 bits the first one
   * is the low half of a byte.
   */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** `[rows, blocks]`, row by row. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** A matrix in 8 bits, with one scale for each row: w ≈ scale · code. */
export interface QuantizedRows {
  /** From −127 to 127, row by row. */
  readonly codes: Int8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * Rounds a matrix to 8 bits, by rows, whose scales products of whole numbers leave
 * out: the largest of a row is exact.
 */
export function quantizeRows(
  data: Float32Array,
  columns: number,
): QuantizedRows {
  const scales = new Float32Array(data.length / columns);
  const codes = new Int8Array(data.length);
  for (let row = 0; row < scales.length; row++) {
    const [start, end] = [row * columns, (row + 1) * columns];
    scales[row] = Math.abs(largest(data, start, end)) / 127;
    const scale = scales[row] || 1;
    for (let i = start; i < end; i++) codes[i] = Math.round(data[i]! / scale);
  }
  return { codes, scales };
}

/** Columns that share a scale. */
const BLOCK = 32;

/**
 * Rounds a matrix to 8 bits, w ≈ scale · (code − 128) with codes from 1 to 255:
 * the largest of a block is exact.
 */
export function quantize8(
  data: Float32Array,
  columns: number,
): QuantizedMatrix {
  return inBlocks(data, { columns, block: BLOCK, perByte: 1 }, {
    scaleOf: (largest) => Math.abs(largest) / 127,
    codeOf: (ratio) => Math.round(ratio) + 128,
  });
}

/**
 * Rounds a matrix to 4 bits, w ≈ scale · (code − 8) with codes from 0 to 15: the
 * largest of a block is 8 scales away from zero, whatever its sign. Blocks are
 * half as long where they cannot fill a row in pairs.
 */
export function quantize4(
  data: Float32Array,
  columns: number,
): QuantizedMatrix {
  const block = columns % (2 * BLOCK) === 0 ? BLOCK : BLOCK / 2;
  return inBlocks(data, { columns, block, perByte: 2 }, {
    scaleOf: (largest) => largest / -8,
    codeOf: (ratio) => Math.min(Math.round(ratio) + 8, 15),
  });
}

function inBlocks(
  data: Float32Array,
  { columns, block, perByte }: {
    columns: number;
    block: number;
    /** Codes in a byte. */
    perByte: number;
  },
  { scaleOf, codeOf }: {
    scaleOf: (largest: number) => number;
    codeOf: (ratio: number) => number;
  },
): QuantizedMatrix {
  const blocks = Math.ceil(columns / block);
  const scales = new Float32Array(data.length / columns * blocks);
  const codes = new Uint8Array(scales.length * block / perByte);
  const bits = 8 / perByte;
  let at = 0;
  for (let i = 0; i < scales.length; i++) {
    const start = Math.floor(i / blocks) * columns + i % blocks * block;
    const length = Math.min(block, columns - i % blocks * block);
    scales[i] = scaleOf(largest(data, start, start + length));
    const scale = scales[i] || 1;
    for (let j = 0; j < block; j += perByte) {
      let byte = 0;
      for (let k = 0; k < perByte; k++) {
        const value = j + k < length ? data[start + j + k]! : 0;
        byte |= codeOf(value / scale) << k * bits;
      }
      codes[at++] = byte;
    }
  }
  return { block, codes, scales };
}

/** The value that is farthest from zero, from `start` up to `end`. */
function largest(data: Float32Array, start: number, end: number): number {
  let most = 0;
  for (let i = start; i < end; i++) {
    if (Math.abs(data[i]!) > Math.abs(most)) most = data[i]!;
  }
  return most;
}
