import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { microBatches, optimizerBatches } from "lib/data/sampler.ts";
import { type Row, rowTokens } from "lib/data/tree_batch.ts";
import { Rng } from "lib/rng.ts";

Deno.test("optimizerBatches() cuts the order into batches, the last one smaller", () => {
  const order = ["a", "b", "c", "d", "e", "f", "g"];
  deepStrictEqual(optimizerBatches(order, { size: 3 }), [
    ["a", "b", "c"],
    ["d", "e", "f"],
    ["g"],
  ]);
  deepStrictEqual(optimizerBatches(order, { size: 7 }), [order]);
  deepStrictEqual(optimizerBatches(order, { size: 9 }), [order]);
  deepStrictEqual(optimizerBatches([], { size: 3 }), []);
});

Deno.test("optimizerBatches() joins a last batch under the minimum to the one before", () => {
  deepStrictEqual(optimizerBatches([1, 2, 3, 4, 5], { size: 2, minimum: 2 }), [
    [1, 2],
    [3, 4, 5],
  ]);
  deepStrictEqual(optimizerBatches([1, 2, 3, 4], { size: 2, minimum: 2 }), [
    [1, 2],
    [3, 4],
  ]);
});

Deno.test("optimizerBatches() keeps an only batch under the minimum", () => {
  deepStrictEqual(optimizerBatches([1], { size: 4, minimum: 2 }), [[1]]);
});

/** A row of `length` tokens in all. */
const row = (length: number): Row => ({
  prompt: [0],
  completions: [new Array(length - 1).fill(1)],
});

Deno.test("microBatches() counts every row as long as the longest", () => {
  const rows = [3, 3, 5, 2, 2].map(row);
  // Two rows of 3 are 6 slots; with the 5 they would be 15.
  deepStrictEqual(microBatches(rows, 10), [[0, 2], [2, 4], [4, 5]]);
  deepStrictEqual(microBatches(rows, 15), [[0, 3], [3, 5]]);
  deepStrictEqual(microBatches(rows, 25), [[0, 5]]);
  deepStrictEqual(microBatches(rows, 24), [[0, 4], [4, 5]]);
});

Deno.test("microBatches() lets a single row exceed the budget", () => {
  deepStrictEqual(microBatches([2, 9, 2].map(row), 4), [[0, 1], [1, 2], [
    2,
    3,
  ]]);
  deepStrictEqual(microBatches([9].map(row), 1), [[0, 1]]);
});

Deno.test("microBatches() cuts nothing of nothing", () => {
  deepStrictEqual(microBatches([], 8), []);
});

Deno.test("microBatches() takes all that fits, whatever the lengths", () => {
  const rng = new Rng(0);
  for (let trial = 0; trial < 200; trial++) {
    const rows = Array.from(
      { length: 1 + rng.integer(12) },
      () => row(1 + rng.integer(9)),
    );
    const budget = 1 + rng.integer(40);
    const slots = (start: number, end: number) =>
      Math.max(...rows.slice(start, end).map(rowTokens)) * (end - start);
    let next = 0;
    for (const [start, end] of microBatches(rows, budget)) {
      strictEqual(start, next);
      ok(end === start + 1 || slots(start, end) <= budget);
      ok(end === rows.length || slots(start, end + 1) > budget);
      next = end;
    }
    strictEqual(next, rows.length);
  }
});
