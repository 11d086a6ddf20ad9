import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  microBatches,
  optimizerBatches,
  type Order,
  ORDERS,
  planBatches,
  type PlanOptions,
  stratified,
} from "lib/data/sampler.ts";
import { rowTokens } from "lib/data/tree_batch.ts";
import type { TokenRow } from "lib/data/example.ts";
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
const row = (length: number): TokenRow => ({
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

const COUNT = 23;
/** 6 of 23 are desirable. */
const LABELS = Array.from({ length: COUNT }, (_, i) => i % 4 === 1);

function plan(options: Partial<PlanOptions>): number[][] {
  return planBatches(COUNT, {
    order: "shuffled",
    epochs: 2,
    size: 4,
    shuffle: (epoch, order) => new Rng(`order ${epoch}`).shuffle(order),
    labels: LABELS,
    ...options,
  });
}

for (const order of ORDERS) {
  Deno.test(`an epoch takes each example once, and the next one others first: ${order}`, () => {
    const flat = plan({ order }).flat();
    const all = [...Array(COUNT).keys()];
    const epochs = [flat.slice(0, COUNT), flat.slice(COUNT)];
    for (const epoch of epochs) {
      deepStrictEqual(epoch.toSorted((a, b) => a - b), all);
    }
    strictEqual(
      String(epochs[0]) === String(epochs[1]),
      order === "sequential",
    );
  });

  Deno.test(`the order of examples does not depend on the size of batches: ${order}`, () => {
    const flat = plan({ order, size: 1 }).flat();
    for (const size of [2, 5, 8, 100]) {
      for (const minimum of [1, 2]) {
        deepStrictEqual(plan({ order, size, minimum }).flat(), flat);
      }
    }
  });

  Deno.test(`a plan of fewer steps is the beginning of one of more: ${order}`, () => {
    const whole = plan({ order, steps: 17 });
    strictEqual(whole.length, 17);
    for (const steps of [1, 6, 7, 16]) {
      deepStrictEqual(plan({ order, steps }), whole.slice(0, steps));
    }
  });
}

/** Labels of which a share is true, in random order. */
function randomLabels(count: number, share: number): boolean[] {
  const good = Math.max(1, Math.min(count - 1, Math.round(count * share)));
  return new Rng("labels").shuffle(
    Array.from({ length: count }, (_, i) => i < good),
  );
}

Deno.test("a stratified batch has of each class its share, rounded up or down", () => {
  const order: Order = "stratified";
  for (const share of [0.01, 0.1, 1 / 3, 0.431, 0.5, 0.9]) {
    for (const count of [50, 333]) {
      const labels = randomLabels(count, share);
      const good = labels.filter(Boolean).length;
      for (const size of [2, 7, 16]) {
        const batches = planBatches(count, {
          order,
          size,
          labels,
          epochs: 2,
          minimum: 2,
          shuffle: (epoch, all) => new Rng(epoch).shuffle(all),
        });
        for (const batch of batches) {
          const found = batch.filter((i) => labels[i]).length;
          const due = good * batch.length / count;
          ok(Math.abs(found - due) < 1, `${found} of ${due}`);
        }
      }
    }
  }
});

Deno.test("stratified() keeps the order within each class", () => {
  const labels = randomLabels(40, 0.3);
  const order = new Rng("order").shuffle(labels.keys());
  const found = stratified(order, labels);
  for (const label of [true, false]) {
    const ofClass = (list: readonly number[]) =>
      list.filter((i) => labels[i] === label);
    deepStrictEqual(ofClass(found), ofClass(order));
  }
});

Deno.test("stratified() refuses one class, and examples without a label", () => {
  throws(() => stratified([0, 1], [true, true]), {
    name: "RangeError",
    message:
      "Cannot stratify 2 examples: 2 are desirable and 0 undesirable; expected some of both and nothing else",
  });
  throws(() => stratified([0, 1], [false, false]), /0 are desirable and 2/);
  throws(() => stratified([0, 1, 2], [true, false]), /nothing else/);
  throws(() => plan({ order: "stratified", labels: [] }), /Cannot stratify 23/);
});
