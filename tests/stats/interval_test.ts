import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  meanInterval,
  pairedDifference,
  quantile,
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

function near(actual: number | null, expected: number) {
  ok(
    actual !== null && Math.abs(actual - expected) < 1e-7,
    `${actual} is not ${expected}`,
  );
}
