import { strictEqual } from "node:assert/strict";
import { correlation } from "lib/stats/describe.ts";
import { assertClose } from "../assert_close.ts";

Deno.test("correlation() is that of the textbook", () => {
  // Σ dx dy = 8, Σ dx² = Σ dy² = 10.
  assertClose([correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])!], [0.8], {
    tolerance: 1e-12,
  });
});

Deno.test("correlation() is ±1 on a line, whatever the scale", () => {
  const xs = [0.1, 0.2, 0.7];
  strictEqual(correlation(xs, xs.map((x) => 1e9 * x + 3)), 1);
  strictEqual(correlation(xs, xs.map((x) => -x)), -1);
});

Deno.test("correlation() is null where it is not defined", () => {
  strictEqual(correlation([], []), null);
  strictEqual(correlation([1], [2]), null);
  strictEqual(correlation([1, 2, 3], [4, 4, 4]), null);
});
