import { ok, strictEqual } from "node:assert/strict";
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
    const error = Math.abs(scale * codes[i]! - value);
    ok(error <= 0.5001 * scale, `${value} is off by ${error}`);
    if (Math.abs(codes[i]!) === 127) ok(error <= 1e-6 * Math.abs(value));
  }
});

Deno.test("4 bits are off by half a scale at most, or by one opposite the largest", () => {
  const data = matrix();
  const { codes, scales } = quantize4(data, COLUMNS);
  for (const [i, value] of data.entries()) {
    const scale = scales[Math.floor(i / 32)]!;
    const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
    const byte = codes[row * COLUMNS / 2 + column % (COLUMNS / 2)]!;
    const code = column < COLUMNS / 2 ? byte & 15 : byte >> 4;
    const error = Math.abs(scale * (code - 8) - value);
    const most = (code === 15 ? 1 : 0.5) * Math.abs(scale);
    ok(error <= 1.0001 * most, `${value} is off by ${error}`);
    if (code === 0) ok(error <= 1e-6 * Math.abs(value));
  }
});

Deno.test("blocks are shorter where rows do not divide by 32", () => {
  strictEqual(quantize8(new Float32Array(2 * 24), 24).scales.length, 2 * 3);
  strictEqual(quantize4(new Float32Array(2 * 24), 24).scales.length, 2 * 6);
});
