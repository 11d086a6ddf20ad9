/**
 * Quantized types with blocks of 32 elements. `d` is the step, `m` the least
 * value; low nibbles are the first half of a block, high nibbles the second.
 * Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
 */
import { blockType, half, signed } from "./tensor_type.ts";

/** d·(q − 8), q of 4 bits. */
export const Q4_0 = blockType({
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
export const Q4_1 = blockType({
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

/** d·(q − 16), q of 5 bits, the highest of which lie apart. */
export const Q5_0 = blockType({
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
export const Q5_1 = blockType({
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
export const Q8_0 = blockType({
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
