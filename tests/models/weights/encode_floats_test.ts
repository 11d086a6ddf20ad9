import { deepStrictEqual, throws } from "node:assert/strict";
import {
  encodeFloats,
  type FloatDtype,
} from "lib/models/weights/encode_floats.ts";

const bits = (x: number, dtype: FloatDtype) => {
  const bytes = encodeFloats(Float32Array.of(x), dtype);
  return [...bytes].reverse().map((b) => b.toString(16).padStart(2, "0")).join(
    "",
  );
};

Deno.test("halves are rounded to the nearest, and to even on a tie", () => {
  const ulp = 2 ** -7; // of a bfloat16 in [1, 2)
  const cases: [number, string][] = [
    [1, "3f80"],
    [1 + ulp / 2, "3f80"],
    [1 + ulp / 2 + 2 ** -20, "3f81"],
    [1 + 3 * ulp / 2, "3f82"],
    [-1 - 3 * ulp / 2, "bf82"],
    [2 - ulp / 4, "4000"],
    [2 ** -149, "0000"],
    [-0, "8000"],
  ];
  deepStrictEqual(
    cases.map(([x]) => [x, bits(x, "BF16")]),
    cases,
  );
  const halves: [number, string][] = [
    [1 + 2 ** -11, "3c00"],
    [1 + 3 * 2 ** -11, "3c02"],
    [65_519, "7bff"],
    [2 ** -24, "0001"],
  ];
  deepStrictEqual(
    halves.map(([x]) => [x, bits(x, "F16")]),
    halves,
  );
  deepStrictEqual(bits(1.1, "F32"), "3f8ccccd");
});

for (
  const [dtype, x, largest] of [
    ["F16", 65_520, 65_504],
    ["F16", -1e6, 65_504],
    ["BF16", 3.4e38, 3.3895313892515355e38],
    ["BF16", NaN, 3.3895313892515355e38],
  ] as const
) {
  Deno.test(`${x} is refused as ${dtype}`, () => {
    throws(
      () => encodeFloats(Float32Array.of(1, x), dtype),
      new RegExp(
        `element 1 is \\S+, expected numbers within ±${largest}`
          .replace("+38", "\\+38"),
      ),
    );
  });
}
