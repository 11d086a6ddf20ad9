import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  centralProbability,
  meanInterval,
  pairedDifference,
  quantile,
  standardError,
  twoSidedQuantile,
} from "lib/stats/interval.ts";
import { Rng } from "lib/rng.ts";

Deno.test("meanInterval() is mean ± t·s/√n", () => {
  // mean 3, s² 2.5, n 5, t₀.₉₇₅,₄ = 2.7764451.
  const { n, mean, low, high } = meanInterval([1, 2, 3, 4, 5]);
  deepStrictEqual([n, mean], [5, 3]);
  near(low, 3 - 2.7764451052 * Math.sqrt(2.5 / 5));
  near(high, 3 + 2.7764451052 * Math.sqrt(2.5 / 5));
});

Deno.test("meanInterval() covers the true mean as often as it says", () => {
  const rng = new Rng("coverage");
  let covered = 0;
  for (let trial = 0; trial < 4000; trial++) {
    const { low, high } = meanInterval([
      rng.normal(),
      rng.normal(),
      rng.normal(),
    ]);
    if (low! <= 0 && high! >= 0) covered++;
  }
  ok(
    Math.abs(covered / 4000 - 0.95) < 4 * Math.sqrt(0.95 * 0.05 / 4000),
    `${covered}`,
  );
});

Deno.test("meanInterval() widens with confidence and knows no spread of one value", () => {
  const values = [0.2, 0.3, 0.7];
  const ninety = meanInterval(values, { confidence: 0.9 });
  const usual = meanInterval(values);
  ok(usual.low! < ninety.low! && ninety.high! < usual.high!);
  deepStrictEqual(meanInterval([4]), { n: 1, mean: 4, low: null, high: null });
});

Deno.test("pairedDifference() agrees with Student's sleep data", () => {
  // Student, The probable error of a mean (1908); R: t.test(…, paired = TRUE)
  // gives t = -4.0621, df = 9, p = 0.002833, interval [-2.4598858, -0.7001142].
  const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
  const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
  const { n, mean, low, high, p } = pairedDifference(first, second);
  strictEqual(n, 10);
  near(mean, -1.58);
  near(low, -2.4598858);
  near(high, -0.7001142);
  near(p, 0.00283289);
});

Deno.test("pairedDifference() is decided where nothing varies", () => {
  deepStrictEqual(pairedDifference([1, 2], [1, 2]), {
    n: 2,
    mean: 0,
    low: 0,
    high: 0,
    p: 1,
  });
  strictEqual(pairedDifference([2, 3], [1, 2]).p, 0);
  strictEqual(pairedDifference([2], [1]).p, null);
});

Deno.test("standardError() is s/√n", () => {
  // scipy 1.17.1: stats.sem([1.1, -0.4, 0.9, 2.3])
  near(standardError([1.1, -0.4, 0.9, 2.3]), 0.5528336096873995, 1e-15);
  strictEqual(standardError([3]), null);
  throws(() => standardError([]), /no values/);
});

Deno.test("quantile() interpolates as NumPy does", () => {
  // numpy.quantile([3, 1, 4, 1, 5], [0, 0.1, 0.5, 0.9, 1])
  const found = [0, 0.1, 0.5, 0.9, 1].map((p) => quantile([3, 1, 4, 1, 5], p));
  deepStrictEqual(found, [1, 1, 3, 4.6, 5]);
  strictEqual(quantile([2], 0.3), 2);
});

Deno.test("Statistics name the value they cannot use", () => {
  throws(() => meanInterval([]), /no values: expected at least one/);
  throws(() => meanInterval([1, NaN]), /value 1, NaN: expected finite/);
  throws(() => pairedDifference([1, 2], [1]), /2 values with 1: expected/);
  throws(
    () => quantile([1], 1.1),
    /quantile at 1\.1: expected a number in \[0, 1\]/,
  );
  throws(() => meanInterval([1, 2], { confidence: 95 }), /probability of 95/);
});

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

function near(actual: number | null, expected: number, tolerance = 1e-7) {
  ok(
    actual !== null && Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected}`,
  );
}
