import { deepStrictEqual } from "node:assert/strict";
import { binCounts, wholeBins } from "lib/stats/describe.ts";

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
