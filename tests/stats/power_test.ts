import { ok, strictEqual, throws } from "node:assert/strict";
import { pairsNeeded } from "lib/stats/power.ts";
import { signFlipTest } from "lib/stats/sign_flip.ts";
import { Rng } from "lib/rng.ts";

Deno.test("pairsNeeded() is the sample size of the noncentral t", () => {
  // statsmodels 0.15.0: TTestPower().solve_power(delta / deviation, power=0.8,
  // alpha=0.05 / comparisons)
  const cases = [
    [0.1, 0.194, 3, 42.30814005438441],
    [0.05, 0.194, 3, 160.48294688569172],
    [0.1, 0.137, 3, 22.588605250103434],
    [0.1, 0.18, 3, 36.83228913037796],
    [0.2, 0.2, 1, 9.93785094105438],
  ] as const;
  for (const [delta, deviation, comparisons, exact] of cases) {
    const n = pairsNeeded({ delta, deviation, comparisons });
    strictEqual(n, Math.ceil(exact));
  }
});

Deno.test("pairsNeeded() asks for as many as a sign-flip test can reject with", () => {
  strictEqual(pairsNeeded({ delta: 1, deviation: 0 }), 6);
  strictEqual(pairsNeeded({ delta: 1, deviation: 0, comparisons: 9 }), 9);
});

Deno.test("A sign-flip test of so many pairs finds the difference in four of five", () => {
  const rng = new Rng("power");
  const [delta, deviation, trials] = [1, 1, 2000];
  const n = pairsNeeded({ delta, deviation });
  let found = 0;
  for (let trial = 0; trial < trials; trial++) {
    const values = Array.from(
      { length: n },
      () => delta + deviation * rng.normal(),
    );
    if (signFlipTest(values, { random: rng }).p < 0.05) found++;
  }
  ok(found / trials > 0.77 && found / trials < 0.86, `${found}`);
});

Deno.test("pairsNeeded() names a difference it cannot size for", () => {
  for (const [delta, deviation] of [[0, 1], [1, -1], [NaN, 1], [1, NaN]]) {
    throws(
      () => pairsNeeded({ delta: delta!, deviation: deviation! }),
      new RegExp(`for δ ${delta} and a deviation of ${deviation}: expected`),
    );
  }
});
