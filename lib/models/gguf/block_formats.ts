import {
  type BlockFormat,
  half,
  plainFormat,
  quantizedFormat,
  signed,
} from "./block_format.ts";

/*
Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h

Blocks of 32 elements: `d` is the step, `m` the least value; low nibbles are the
first half of a block, high nibbles the second.
*/

/** d·(q − 8), q of 4 bits. */
const Q4_0 = quantizedFormat({
  name: "Q4_0",
  elements: 32,
  bytes: 18,
  block(b, from, { out, to }) {
    const d = half(b, from);
    for (let i = 0; i < 16; i++) {
      const q = b[from + 2 + i]!;
      out[to + i] = d * ((q & 15) - 8);
      out[to + 16 + i] = d * ((q >> 4) - 8);
    }
  },
});

/** d·q + m, q of 4 bits. */
const Q4_1 = quantizedFormat({
  name: "Q4_1",
  elements: 32,
  bytes: 20,
  block(b, from, { out, to }) {
    const [d, m] = [half(b, from), half(b, from + 2)];
    for (let i = 0; i < 16; i++) {
      const q = b[from + 4 + i]!;
      out[to + i] = d * (q & 15) + m;
      out[to + 16 + i] = d * (q >> 4) + m;
    }
  },
});

/** d·(q − 16), q of 5 bits, the highest of which are apart. */
const Q5_0 = quantizedFormat({
  name: "Q5_0",
  elements: 32,
  bytes: 22,
  block(b, from, { out, to }) {
    const d = half(b, from);
    for (let i = 0; i < 32; i++) {
      out[to + i] = d * (fiveBits(b, from + 2, i) - 16);
    }
  },
});

/** d·q + m, q of 5 bits. */
const Q5_1 = quantizedFormat({
  name: "Q5_1",
  elements: 32,
  bytes: 24,
  block(b, from, { out, to }) {
    const [d, m] = [half(b, from), half(b, from + 2)];
    for (let i = 0; i < 32; i++) {
      out[to + i] = d * fiveBits(b, from + 4, i) + m;
    }
  },
});

/** d·q, q a signed byte. */
const Q8_0 = quantizedFormat({
  name: "Q8_0",
  elements: 32,
  bytes: 34,
  block(b, from, { out, to }) {
    const d = half(b, from);
    for (let i = 0; i < 32; i++) out[to + i] = d * signed(b, from + 2 + i);
  },
});

/** Element `i` of 4 bytes of high bits and 16 of nibbles. */
function fiveBits(b: Uint8Array, from: number, i: number): number {
  const high = b[from + (i >> 3)]! >> (i & 7) & 1;
  const low = b[from + 4 + (i & 15)]! >> (i < 16 ? 0 : 4) & 15;
  return high << 4 | low;
}

const ELEMENTS = 256;

/*
Super-blocks of 256 elements in 8 or 16 groups, whose scales are quantized
themselves.
*/
/** d·s·q − dmin·m, q of 2 bits; scale s and minimum m of 16 elements share a byte. */
const Q2_K = quantizedFormat({
  name: "Q2_K",
  elements: ELEMENTS,
  bytes: 84,
  block(b, from, { out, to }) {
    const [d, dmin] = [half(b, from + 80), half(b, from + 82)];
    for (let group = 0; group < 16; group++) {
      const both = b[from + group]!;
      const [scale, least] = [d * (both & 15), dmin * (both >> 4)];
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        out[to + i] = scale * twoBits(b, from + 16, i) - least;
      }
    }
  },
});

/** d·(s − 32)·q, q of 2 bits, less 4 if its bit of the mask is 0. */
const Q3_K = quantizedFormat({
  name: "Q3_K",
  elements: ELEMENTS,
  bytes: 110,
  block(b, from, { out, to }) {
    const d = half(b, from + 108);
    for (let group = 0; group < 16; group++) {
      const low = b[from + 96 + (group & 7)]! >> (group < 8 ? 0 : 4) & 15;
      const high = b[from + 104 + (group & 3)]! >> 2 * (group >> 2) & 3;
      const scale = d * ((high << 4 | low) - 32);
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        const isKept = b[from + (i & 31)]! >> (i >> 5) & 1;
        out[to + i] = scale * (twoBits(b, from + 32, i) - (isKept ? 0 : 4));
      }
    }
  },
});

/** d·s·q − dmin·m, q of 4 bits, s and m of 6 bits for 32 elements. */
const Q4_K = quantizedFormat({
  name: "Q4_K",
  elements: ELEMENTS,
  bytes: 144,
  block(b, from, { out, to }) {
    for (let group = 0; group < 8; group++) {
      const { scale, least } = scales(b, from, group);
      const nibbles = from + 16 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let i = 0; i < 32; i++) {
        const q = b[nibbles + i]! >> shift & 15;
        out[to + 32 * group + i] = scale * q - least;
      }
    }
  },
});

/** d·s·q − dmin·m, q of 5 bits, the highest of which are apart. */
const Q5_K = quantizedFormat({
  name: "Q5_K",
  elements: ELEMENTS,
  bytes: 176,
  block(b, from, { out, to }) {
    for (let group = 0; group < 8; group++) {
      const { scale, least } = scales(b, from, group);
      const nibbles = from + 48 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      for (let i = 0; i < 32; i++) {
        const high = b[from + 16 + i]! >> group & 1;
        const q = high << 4 | b[nibbles + i]! >> shift & 15;
        out[to + 32 * group + i] = scale * q - least;
      }
    }
  },
});

/** d·s·(q − 32), q of 6 bits, s a signed byte for 16 elements. */
const Q6_K = quantizedFormat({
  name: "Q6_K",
  elements: ELEMENTS,
  bytes: 210,
  block(b, from, { out, to }) {
    const d = half(b, from + 208);
    for (let group = 0; group < 16; group++) {
      const scale = d * signed(b, from + 192 + group);
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        // 128 elements have 64 bytes of low nibbles and 32 of high pairs.
        const low = b[from + 64 * (i >> 7) + (i & 63)]! >> (i & 64 ? 4 : 0);
        const high = b[from + 128 + 32 * (i >> 7) + (i & 31)]! >>
          2 * (i >> 5 & 3);
        out[to + i] = scale * (((high & 3) << 4 | low & 15) - 32);
      }
    }
  },
});

/** Element `i` of 2 bits: 32 bytes hold 128 of them. */
function twoBits(b: Uint8Array, from: number, i: number): number {
  return b[from + 32 * (i >> 7) + (i & 31)]! >> 2 * (i >> 5 & 3) & 3;
}

/** Scale and minimum of a group of Q4_K and Q5_K: 12 bytes for 16 of 6 bits. */
function scales(
  b: Uint8Array,
  from: number,
  group: number,
): { scale: number; least: number } {
  const [d, dmin] = [half(b, from), half(b, from + 2)];
  const [s, m] = [b[from + 4 + (group & 3)]!, b[from + 8 + (group & 3)]!];
  if (group < 4) return { scale: d * (s & 63), least: dmin * (m & 63) };
  const rest = b[from + 12 + (group & 3)]!;
  return {
    scale: d * (s >> 6 << 4 | rest & 15),
    least: dmin * (m >> 6 << 4 | rest >> 4),
  };
}

/** Formats by their number in `ggml.h`. */
const FORMATS: ReadonlyMap<number, BlockFormat> = new Map([
  [0, plainFormat("F32", 4)],
  [1, plainFormat("F16", 2)],
  [2, Q4_0],
  [3, Q4_1],
  [6, Q5_0],
  [7, Q5_1],
  [8, Q8_0],
  [10, Q2_K],
  [11, Q3_K],
  [12, Q4_K],
  [13, Q5_K],
  [14, Q6_K],
  [30, plainFormat("BF16", 2)],
]);

/** Names of formats that are not supported. */
const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
  [40, "NVFP4"],
  [41, "Q1_0"],
]);

/**
 * The format of a number.
 *
 * @throws RangeError that names a format that is not read.
 */
export function blockFormat(number: number): BlockFormat {
  const format = FORMATS.get(number);
  if (format) return format;
  const name = UNSUPPORTED.get(number) ?? `number ${number}`;
  const names = [...FORMATS.values()].map(({ name }) => name).join(", ");
  throw new RangeError(`its type is ${name}, expected one of ${names}`);
}
