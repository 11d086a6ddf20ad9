import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { bootstrap } from "lib/stats/bootstrap.ts";
import { Rng } from "lib/rng.ts";

const mean = (xs: readonly number[]) =>
  xs.reduce((sum, x) => sum + x, 0) / xs.length;

Deno.test("bootstrap() agrees with SciPy", () => {
  // scipy 1.17.1, x = numpy.arange(1, 121) % 7: bootstrap((x,), numpy.mean,
  // method="percentile", n_resamples=200000, rng=1) gives [2.625, 3.3417].
  const x = Array.from({ length: 120 }, (_, i) => (i + 1) % 7);
  const found = bootstrap(x, mean, { random: new Rng(0) });
  deepStrictEqual([found.n, found.estimate], [120, mean(x)]);
  ok(Math.abs(found.low - 2.625) < 0.02, `${found.low}`);
  ok(Math.abs(found.high - 3.3417) < 0.02, `${found.high}`);
  strictEqual(found.p, 2 / 10_000);
  strictEqual(found.smallestP, 2 / 10_000);
});

Deno.test("bootstrap() covers the mean of a skewed law about as often as it says", () => {
  const rng = new Rng("coverage");
  const trials = 500;
  let [covered, rejected] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const sample = Array.from(
      { length: 200 },
      () => -Math.log(1 - rng.uniform()) - 1,
    );
    const { low, high, p } = bootstrap(sample, mean, {
      random: rng,
      resamples: 199,
    });
    if (low <= 0 && 0 <= high) covered++;
    if (p <= 0.05) rejected++;
  }
  ok(covered >= 0.92 * trials && covered <= 0.98 * trials, `${covered}`);
  ok(rejected >= 0.02 * trials && rejected <= 0.08 * trials, `${rejected}`);
});

Deno.test("bootstrap() keeps pairs together", () => {
  const pairs = [[1, 0], [11, 10], [5, 4]] as const;
  const { low, high } = bootstrap(
    pairs,
    (sample) => mean(sample.map(([a, b]) => a - b)),
    { random: new Rng(0), resamples: 99 },
  );
  deepStrictEqual([low, high], [1, 1]);
});

Deno.test("bootstrap() needs a unit and finite statistics", () => {
  const random = new Rng(0);
  throws(() => bootstrap([], mean, { random }), /no units: expected at least/);
  throws(() => bootstrap([NaN], mean, { random }), /expected finite numbers/);
});
