interface Encoding {
  /** Rounds to the nearest, and a tie to the number with an even last bit. */
  encode(values: Float32Array): Uint8Array;
  /** The largest number, and the least that is rounded beyond it. */
  readonly range?: { readonly largest: number; readonly limit: number };
}

const ENCODINGS: Readonly<Record<"F32" | "F16" | "BF16", Encoding>> = {
  F32: { encode: bytesOf },
  F16: {
    encode: (values) => bytesOf(Float16Array.from(values)),
    range: { largest: 65_504, limit: 65_520 },
  },
  BF16: {
    encode: (values) => bytesOf(upperHalves(values)),
    range: {
      largest: (2 - 2 ** -7) * 2 ** 127,
      limit: (2 - 2 ** -8) * 2 ** 127,
    },
  },
};

/** A type of stored floats, by its name in safetensors files. */
export type FloatDtype = keyof typeof ENCODINGS;

/**
 * Encodes numbers as the bytes of a stored type.
 *
 * @throws RangeError for a number that half precision cannot hold.
 */
export function encodeFloats(
  values: Float32Array,
  dtype: FloatDtype,
): Uint8Array {
  const { encode, range } = ENCODINGS[dtype];
  for (let i = 0; range && i < values.length; i++) {
    if (Math.abs(values[i]!) < range.limit) continue;
    throw new RangeError(
      `element ${i} is ${values[i]}, expected numbers within ` +
        `±${range.largest}, all that ${dtype} can hold`,
    );
  }
  return encode(values);
}

/** A bfloat16 is the upper half of a float32. */
function upperHalves(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const isOdd = bits[i]! >>> 16 & 1;
    // Carries if the lower half is above its middle, or on it and odd.
    halves[i] = (bits[i]! + 0x7fff + isOdd) >>> 16;
  }
  return halves;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
