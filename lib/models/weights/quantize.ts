/** A matrix in few bits, with a scale for each block of a row. */
export interface QuantizedMatrix<Codes> {
  readonly codes: Codes;
  /** `[rows, columns / block]`, row by row. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Columns that share a scale, if rows divide by as many. */
const BLOCK = 32;

/**
 * Rounds a matrix to 8 bits, w ≈ scale · code with codes from −127 to 127: the
 * largest of a block is exact.
 */
export function quantize8(
  data: Float32Array,
  columns: number,
): QuantizedMatrix<Int8Array<ArrayBuffer>> {
  const block = commonDivisor(columns, BLOCK);
  const codes = new Int8Array(data.length);
  const scales = new Float32Array(data.length / block);
  for (let i = 0; i < scales.length; i++) {
    const start = i * block;
    scales[i] = Math.abs(largest(data, start, start + block)) / 127;
    const scale = scales[i] || 1;
    for (let j = start; j < start + block; j++) {
      codes[j] = Math.round(data[j]! / scale);
    }
  }
  return { codes, scales };
}

/**
 * Rounds a matrix to 4 bits, w ≈ scale · (code − 8) with codes from 0 to 15: the
 * largest of a block is 8 scales away from zero, whatever its sign. A byte
 * holds the code of a column of the left half in its low bits, and of the
 * right half in its high bits.
 *
 * @param columns an even number.
 */
export function quantize4(
  data: Float32Array,
  columns: number,
): QuantizedMatrix<Uint8Array<ArrayBuffer>> {
  const half = columns / 2;
  const block = commonDivisor(half, BLOCK);
  const codes = new Uint8Array(data.length / 2);
  const scales = new Float32Array(data.length / block);
  for (let i = 0; i < scales.length; i++) {
    const start = i * block;
    scales[i] = largest(data, start, start + block) / -8;
    const scale = scales[i] || 1;
    const [row, column] = [Math.floor(start / columns), start % columns];
    const shift = column < half ? 0 : 4;
    const at = row * half + column % half;
    for (let j = 0; j < block; j++) {
      const code = Math.round(data[start + j]! / scale) + 8;
      codes[at + j]! |= (code < 15 ? code : 15) << shift;
    }
  }
  return { codes, scales };
}

/** The value that is farthest from zero, from `start` up to `end`. */
function largest(data: Float32Array, start: number, end: number): number {
  let most = 0;
  for (let i = start; i < end; i++) {
    if (Math.abs(data[i]!) > Math.abs(most)) most = data[i]!;
  }
  return most;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
