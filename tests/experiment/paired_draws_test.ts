import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import {
  beyond,
  beyondEvidence,
  completeCheck,
  drawsBeyond,
  type DrawValue,
  pairedByDraw,
  pairedEvidence,
  runValues,
  valueAtKl,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import { binomialInterval } from "lib/stats/binomial.ts";
import { mean } from "lib/train/metrics.ts";

/** Values by draw and seed, in columns of draws. */
const runs = (draws: Record<number, (number | null)[]>): DrawValue[] =>
  Object.entries(draws).flatMap(([draw, values]) =>
    values.map((value, i) => ({ draw: Number(draw), seed: i + 1, value }))
  );

Deno.test("pairedByDraw() takes medians over seeds in each draw", () => {
  const a = runs({ 0: [1, 90, 3], 10: [5, 6, 7] });
  const b = runs({ 10: [1, 2, 3], 0: [0, 1, 2] });
  deepStrictEqual(pairedByDraw(a, b), { differences: [2, 4], missing: [] });
  deepStrictEqual(pairedByDraw(b, a).differences, [-2, -4]);
});

Deno.test("pairedByDraw() names draws without a value", () => {
  const a = runs({ 0: [1, null, 3], 1: [null, null], 2: [4, 4] });
  const b = runs({ 0: [1, 1, 1], 1: [2, 2], 2: [1, 1] });
  const paired = pairedByDraw(a, b);
  deepStrictEqual(paired, { differences: [1, 3], missing: [1] });
  deepStrictEqual(completeCheck("all draws reach 1 nat", paired), {
    name: "all draws reach 1 nat",
    passed: false,
    found: "2 of 3 draws",
  });
  strictEqual(completeCheck("all", pairedByDraw(b, b)).passed, true);
});

Deno.test("pairedByDraw() pairs equal draws only", () => {
  throws(
    () => pairedByDraw(runs({ 0: [1], 1: [2] }), runs({ 0: [1], 2: [2] })),
    /pair the draws 0,1 with 0,2: expected the same/,
  );
});

Deno.test("valueAtKl() is linear in √KL along the path", () => {
  const path = [
    { kl: 0, value: 0 },
    { kl: 1, value: 2 },
    { kl: 4, value: 3 },
  ];
  strictEqual(valueAtKl(path, 0.25), 1);
  strictEqual(valueAtKl(path, 1), 2);
  strictEqual(valueAtKl(path, 2.25), 2.5);
  strictEqual(valueAtKl(path, 4), 3);
  strictEqual(valueAtKl(path, 0), 0);
});

Deno.test("valueAtKl() takes the first crossing, and none beyond the path", () => {
  const returning = [
    { kl: 0, value: 0 },
    { kl: 4, value: 4 },
    { kl: 0, value: 9 },
    { kl: 4, value: 9 },
  ];
  strictEqual(valueAtKl(returning, 1), 2);
  strictEqual(valueAtKl(returning, 5), null);
  strictEqual(valueAtKl([{ kl: 1, value: 1 }], 0.5), null);
  strictEqual(valueAtKl([], 0.5), null);
});

Deno.test("beyond() marks runs above a limit and runs that diverged", () => {
  const marked = beyond(runs({ 0: [4, 5, 6], 1: [null, NaN, 0] }), 5);
  deepStrictEqual(marked.map(({ value }) => value), [0, 0, 1, 1, 1, 0]);
  const never = runs({ 0: [0, 0, 0], 1: [0, 0, 0] });
  deepStrictEqual(pairedByDraw(marked, beyond(never, 5), mean).differences, [
    1 / 3,
    2 / 3,
  ]);
});

Deno.test("drawsBeyond() counts draws, not seeds", () => {
  const found = drawsBeyond(runs({ 0: [9, 9], 1: [9, 0], 2: [0, 0] }), 5);
  deepStrictEqual(found, binomialInterval(2, 3));
});

Deno.test("runValues() has a value of each run, and null where there is none", () => {
  const setting = {
    runs: [{ draw: 0, seed: 1 }, { draw: 0, seed: 2 }, { draw: 7, seed: 1 }],
    ends: { gain: [3, null] },
  };
  deepStrictEqual(runValues(setting, ({ ends }) => ends.gain), [
    { draw: 0, seed: 1, value: 3 },
    { draw: 0, seed: 2, value: null },
    { draw: 7, seed: 1, value: null },
  ]);
  const none = runValues(setting, () => undefined);
  deepStrictEqual(none.map(({ value }) => value), [null, null, null]);
  deepStrictEqual(runValues(undefined, () => [1]), []);
});

Deno.test("pairedEvidence() counts the seeds, and fails where a draw lacks a value", () => {
  const a = runs({ 0: [4, 6], 1: [7, 7] });
  const found = pairedEvidence(a, runs({ 0: [1, 1], 1: [1, 1] }));
  deepStrictEqual(found.values, [4, 6]);
  strictEqual(found.estimate, 5);
  deepStrictEqual(found.test!.sample, { unit: "draw", count: 2, seeds: 2 });
  strictEqual(found.checks[0]!.passed, true);
  const partial = pairedEvidence(a, runs({ 0: [1, 1], 1: [null, null] }));
  deepStrictEqual(partial.values, [4]);
  strictEqual(partial.checks[0]!.passed, false);
  strictEqual(pairedEvidence(a, []).estimate, null);
});

Deno.test("valueEvidence() is of medians over seeds", () => {
  const { values, test } = valueEvidence(runs({ 3: [-1, 9, 2], 5: [4, 4, 4] }));
  deepStrictEqual(values, [2, 4]);
  strictEqual(test!.sample.seeds, 3);
  strictEqual(valueEvidence([]).test!.sample.count, 0);
});

Deno.test("beyondEvidence() compares shares of runs, those that diverged among them", () => {
  const a = runs({ 0: [9, 1], 1: [null, 9] });
  const b = runs({ 0: [1, 1], 1: [9, 1] });
  const { values, checks } = beyondEvidence(a, b, 5);
  deepStrictEqual([values, checks], [[0.5, 0.5], []]);
  strictEqual(beyondEvidence(a, [], 5).estimate, null);
});
