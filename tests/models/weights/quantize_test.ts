import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { quantize4, quantize8 } from "lib/models/weights/quantize.ts";
import { Rng } from "lib/rng.ts";

const [ROWS, COLUMNS] = [3, 192];

/** A matrix with a block of zeros, one of equal values and one of tiny ones. */
function matrix(): Float32Array {
  const rng = new Rng("matrix");
  return Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
    const block = Math.floor(i / 32);
    return [rng.normal(), 0, -2, 1e-30 * rng.normal()][block % 4]!;
  });
}

Deno.test("8 bits are off by half a scale at most, and exact at the largest", () => {
  const data = matrix();
  const { codes, scales } = quantize8(data, COLUMNS);
  strictEqual(scales.length, data.length / 32);
  for (const [i, value] of data.entries()) {
    const scale = scales[Math.floor(i / 32)]!;
    const error = Math.abs(scale * (codes[i]! - 128) - value);
    ok(error <= 0.5001 * scale, `${value} is off by ${error}`);
    if ([1, 255].includes(codes[i]!)) ok(error <= 1e-6 * Math.abs(value));
  }
});

Deno.test("4 bits are off by half a scale at most, or by one opposite the largest", () => {
  const data = matrix();
  const { codes, scales } = quantize4(data, COLUMNS);
  for (const [i, value] of data.entries()) {
    const scale = scales[Math.floor(i / 32)]!;
    const byte = codes[Math.floor(i / 2)]!;
    const code = i % 2 === 0 ? byte & 15 : byte >> 4;
    const error = Math.abs(scale * (code - 8) - value);
    const most = (code === 15 ? 1 : 0.5) * Math.abs(scale);
    ok(error <= 1.0001 * most, `${value} is off by ${error}`);
    if (code === 0) ok(error <= 1e-6 * Math.abs(value));
  }
});

Deno.test("blocks that rows do not fill hold zeros in the rest", () => {
  const data = Float32Array.from({ length: 2 * 24 }, (_, i) => 1 + i % 5);
  const eight = quantize8(data, 24);
  strictEqual(eight.scales.length, 2);
  deepStrictEqual([...eight.codes.subarray(24, 32)], Array(8).fill(128));
  const four = quantize4(data, 24);
  strictEqual(four.scales.length, 4);
  deepStrictEqual([...four.codes.subarray(28)], Array(4).fill(0x88));
  // An odd one ends in the middle of a byte.
  deepStrictEqual([...quantize4(Float32Array.of(-8, 1, 7), 3).codes], [
    ...[0x90, 0x8f],
    ...Array(6).fill(0x88),
  ]);
});

Deno.test("4 bits have blocks of 16 where a row has an odd number of 32 columns", () => {
  const blocks = (columns: number) =>
    quantize4(new Float32Array(columns), columns).scales.length;
  deepStrictEqual([32, 64, 96, 576].map(blocks), [2, 2, 6, 18]);
});

Deno.test("blocks of GGUF's Q8_0 and Q4_0 are held without a further loss", () => {
  const rng = new Rng("gguf");
  const scales = Float16Array.from({ length: 6 }, () => 0.1 * rng.normal());
  const signed = (codes: number[], scale: number) =>
    codes.map((code) => Math.fround(scale * code));
  const codes = (least: number, most: number, first: number) => [
    first,
    ...Array.from({ length: 31 }, () => least + rng.integer(most - least + 1)),
  ];
  const eights = [...scales].map(() => codes(-127, 127, 127));
  const fours = [...scales].map(() => codes(-8, 7, -8));
  const values = (blocks: number[][]) =>
    Float32Array.from(blocks.flatMap((block, i) => signed(block, scales[i]!)));
  const eight = quantize8(values(eights), 64);
  deepStrictEqual([...eight.scales], [...scales].map(Math.abs));
  deepStrictEqual(
    [...eight.codes],
    eights.flatMap((block, i) =>
      block.map((c) => 128 + Math.sign(scales[i]!) * c)
    ),
  );
  const four = quantize4(values(fours), 64);
  deepStrictEqual([...four.scales], [...scales]);
  const nibbles = [...four.codes].flatMap((byte) => [byte & 15, byte >> 4]);
  deepStrictEqual(nibbles, fours.flat().map((code) => code + 8));
});
