import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  binCounts,
  correlation,
  distinctN,
  wholeBins,
} from "lib/stats/describe.ts";
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

Deno.test("bins are 1, 2 or 5 times a power of ten wide and hold every value", () => {
  deepStrictEqual(wholeBins([0, 3]), { width: 1, count: 4 });
  deepStrictEqual(wholeBins([20]), { width: 2, count: 11 });
  deepStrictEqual(wholeBins([0, 99]), { width: 5, count: 20 });
  deepStrictEqual(wholeBins([100]), { width: 10, count: 11 });
  deepStrictEqual(wholeBins([4100]), { width: 500, count: 9 });
  deepStrictEqual(wholeBins([]), { width: 1, count: 1 });
});

Deno.test("a value at the edge of two bins lies in the upper one", () => {
  deepStrictEqual(binCounts([0, 4, 5, 9, 10], { width: 5, count: 3 }), [
    2,
    2,
    1,
  ]);
});

Deno.test("distinctN() counts n-grams within completions", () => {
  const completions = [[1, 2, 3], [1, 2, 4], [3, 1]];
  strictEqual(distinctN(completions, 1), 4 / 8);
  strictEqual(distinctN(completions, 2), 4 / 5);
  strictEqual(distinctN(completions, 3), 1);
});

Deno.test("distinctN() tells tokens apart from their digits", () => {
  strictEqual(distinctN([[1, 23], [12, 3]], 2), 1);
});

Deno.test("distinctN() is 0 where no completion is long enough", () => {
  strictEqual(distinctN([[1], []], 2), 0);
});
