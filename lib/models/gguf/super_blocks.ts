/**
 * Quantized types with blocks of 256 elements, in 8 or 16 groups, the scales
 * of which are quantized themselves.
 * Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
 */
import { blockType, half, signed } from "./tensor_type.ts";

const ELEMENTS = 256;

/** d·s·q − dmin·m, q of 2 bits; scale s and minimum m of 16 elements share a byte. */
export const Q2_K = blockType({
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

/** d·(s − 32)·q, q of 2 bits, less 4 where its mask's bit is 0. */
export const Q3_K = blockType({
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
export const Q4_K = blockType({
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

/** The same with q of 5 bits, the highest of which lie apart. */
export const Q5_K = blockType({
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
export const Q6_K = blockType({
  name: "Q6_K",
  elements: ELEMENTS,
  bytes: 210,
  block(b, from, { out, to }) {
    const d = half(b, from + 208);
    for (let group = 0; group < 16; group++) {
      const scale = d * signed(b, from + 192 + group);
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        // Of each 128 elements, 64 bytes hold low nibbles, 32 high pairs.
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
