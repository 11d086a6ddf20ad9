import { ok, throws } from "node:assert/strict";
import { centralProbability, twoSidedQuantile } from "lib/stats/interval.ts";

Deno.test("twoSidedQuantile() agrees with the printed table", () => {
  // https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm
  const at95 = [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [9, 2.262],
    [10, 2.228],
    [29, 2.045],
    [30, 2.042],
    [100, 1.984],
  ] as const;
  for (const [df, t] of at95) near(twoSidedQuantile(0.95, df), t, 5e-4);
  near(twoSidedQuantile(0.99, 4), 4.604, 5e-4);
  near(twoSidedQuantile(0.9, 7), 1.895, 5e-4);
  near(twoSidedQuantile(0.998, 2), 22.327, 5e-4);
});

Deno.test("twoSidedQuantile() has the closed forms of one and two degrees", () => {
  for (const p of [1e-6, 0.1, 0.5, 0.95, 0.999]) {
    near(twoSidedQuantile(p, 1) / Math.tan(p * Math.PI / 2), 1, 1e-12);
    near(twoSidedQuantile(p, 2) / (p * Math.sqrt(2 / (1 - p * p))), 1, 1e-9);
  }
});

Deno.test("twoSidedQuantile() tends to the normal quantile", () => {
  // Cornish–Fisher: z + (z³ + z) / (4 df), A&S 26.7.5.
  const z = 1.959963984540054;
  near(twoSidedQuantile(0.95, 100_000), z + (z ** 3 + z) / 400_000, 1e-8);
});

Deno.test("centralProbability() undoes twoSidedQuantile()", () => {
  for (const df of [1, 2, 3, 8, 33]) {
    for (const p of [0.05, 0.5, 0.95, 0.9999]) {
      near(centralProbability(twoSidedQuantile(p, df), df), p, 1e-13);
    }
  }
  near(centralProbability(Infinity, 4), 1, 1e-15);
});

Deno.test("Student's t refuses bounds and degrees without a meaning", () => {
  throws(
    () => twoSidedQuantile(1, 3),
    /probability of 1: expected one between/,
  );
  throws(() => twoSidedQuantile(0.95, 0), /0 degrees of freedom/);
  throws(() => twoSidedQuantile(0.95, 2.5), /2\.5 degrees of freedom/);
  throws(() => centralProbability(-1, 3), /t = -1: expected/);
});

function near(actual: number, expected: number, tolerance: number) {
  ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}
