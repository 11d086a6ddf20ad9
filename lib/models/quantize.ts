/** A matrix in few bits, by blocks of its rows that have a scale each. */
export interface QuantizedMatrix<Codes> {
  readonly codes: Codes;
  /** `[rows, columns / block]`, row by row. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Columns that share a scale, unless rows do not divide by as many. */
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
    const scale = Math.abs(largest(data.subarray(start, start + block))) / 127;
    scales[i] = scale;
    for (let j = start; j < start + block; j++) {
      codes[j] = Math.round(data[j]! / (scales[i] || 1));
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
 * @throws RangeError for an odd number of columns.
 */
export function quantize4(
  data: Float32Array,
  columns: number,
): QuantizedMatrix<Uint8Array<ArrayBuffer>> {
  if (columns % 2 !== 0) {
    throw new RangeError(
      `Cannot hold rows of ${columns} in 4 bits: expected an even number`,
    );
  }
  const half = columns / 2;
  const block = commonDivisor(half, BLOCK);
  const codes = new Uint8Array(data.length / 2);
  const scales = new Float32Array(data.length / block);
  for (let i = 0; i < scales.length; i++) {
    const start = i * block;
    const values = data.subarray(start, start + block);
    const scale = largest(values) / -8;
    scales[i] = scale;
    const row = Math.floor(start / columns);
    const column = start % columns;
    const isHigh = column >= half;
    const at = row * half + column % half;
    values.forEach((value, j) => {
      const code = Math.min(15, Math.round(value / (scales[i] || 1)) + 8);
      codes[at + j]! |= isHigh ? code << 4 : code;
    });
  }
  return { codes, scales };
}

/** The value that is farthest from zero. */
function largest(values: Float32Array): number {
  let found = 0;
  for (const value of values) {
    if (Math.abs(value) > Math.abs(found)) found = value;
  }
  return found;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
