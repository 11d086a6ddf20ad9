import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { signFlipTest } from "lib/stats/sign_flip.ts";
import { Rng } from "lib/rng.ts";

const random = new Rng(0);

Deno.test("signFlipTest() has the p-values of SciPy", () => {
  // scipy 1.17.1: permutation_test((x,), mean, permutation_type="samples",
  // n_resamples=inf).pvalue
  const cases: [number[], number][] = [
    [[0.08, 0.29, 0.23, 0.36, 0.51], 0.0625],
    [[1.1, -0.4, 0.9, 2.3, 0.2, -0.1, 0.6, 1.7], 0.046875],
    [[-3, -1, -2, 4, -5, -6, -2.5, 0, -7], 0.0703125],
  ];
  for (const [values, p] of cases) {
    strictEqual(signFlipTest(values, { random }).p, p);
    const turned = values.map((x) => -x);
    strictEqual(signFlipTest(turned, { random }).p, p);
  }
});

Deno.test("signFlipTest() counts a tie with 0 that rounding hides", () => {
  // 0.1 + 0.2 − 0.3 is 5.6e-17 in binary; flips of [1, 2, −3] tie with 0 too.
  const tied = signFlipTest([0.1, 0.2, -0.3, 0.7], { random }).p;
  strictEqual(tied, signFlipTest([1, 2, -3, 7], { random }).p);
});

/** The p-value of a centre, by the definition: every choice of signs. */
function byDefinition(values: readonly number[], centre: number): number {
  const shifted = values.map((x) => x - centre);
  const observed = Math.abs(shifted.reduce((a, b) => a + b));
  let [reached, flips] = [0, 2 ** values.length];
  for (let flip = 0; flip < flips; flip++) {
    const sum = shifted.reduce((a, x, i) => a + (flip >> i & 1 ? -x : x), 0);
    if (Math.abs(sum) >= observed - 1e-12) reached++;
  }
  return reached / flips;
}

Deno.test("The interval of signFlipTest() holds the centres that the test keeps", () => {
  const rng = new Rng("inversion");
  for (const n of [6, 7, 9, 11]) {
    const values = Array.from({ length: n }, () => rng.normal() + 0.5);
    const { low, high, p } = signFlipTest(values, { random });
    strictEqual(p, byDefinition(values, 0));
    ok(byDefinition(values, low! - 1e-9) <= 0.05);
    ok(byDefinition(values, low! + 1e-9) > 0.05);
    ok(byDefinition(values, high! - 1e-9) > 0.05);
    ok(byDefinition(values, high! + 1e-9) <= 0.05);
  }
});

Deno.test("signFlipTest() covers the centre of laws with heavy tails as often as it says", () => {
  const rng = new Rng("coverage");
  const trials = 4000;
  const laws = {
    normal: () => rng.normal(),
    cauchy: () => rng.normal() / rng.normal(),
    bimodal: () => (rng.uniform() < 0.5 ? -5 : 5) + rng.normal(),
  };
  for (const [name, draw] of Object.entries(laws)) {
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const values = Array.from({ length: 8 }, draw);
      const { low, high } = signFlipTest(values, { random });
      if (low! <= 0 && 0 <= high!) covered++;
    }
    // The level of eight values: 6 of the 256 signs lie in each tail.
    const level = 1 - 12 / 256;
    const error = Math.sqrt(level * (1 - level) / trials);
    ok(Math.abs(covered / trials - level) < 4 * error, `${name} ${covered}`);
  }
});

Deno.test("signFlipTest() has no interval where no p-value can be 5 %", () => {
  for (const n of [1, 2, 5]) {
    const values = Array.from({ length: n }, () => 1);
    deepStrictEqual(signFlipTest(values, { random }), {
      n,
      mean: 1,
      low: null,
      high: null,
      p: 2 ** (1 - n),
      smallestP: 2 ** (1 - n),
    });
  }
  const six = signFlipTest([1, 2, 3, 4, 5, 6], { random });
  deepStrictEqual([six.low, six.high, six.p], [1, 6, 1 / 32]);
  ok(signFlipTest([1, 2, 3, 4, 5], { random, confidence: 0.9 }).low !== null);
});

Deno.test("signFlipTest() keeps the mean of equal values in their interval", () => {
  for (const n of [9, 20, 22]) {
    const alike = new Array<number>(n).fill(0.1);
    const { low, mean, high } = signFlipTest(alike, { random });
    ok(low! <= mean && mean <= high!);
    ok(high! - low! < 1e-15);
  }
});

Deno.test("signFlipTest() draws the flips of many values", () => {
  const rng = new Rng("many");
  const values = Array.from({ length: 20 }, () => rng.normal() + 0.5);
  const enumerated = signFlipTest(values, { random });
  // A 21st value that changes little: a drawn test beside an exact one.
  const drawn = signFlipTest([...values, enumerated.mean], {
    random: new Rng(1),
  });
  strictEqual(drawn.smallestP, 2 / 100_000);
  ok(Math.abs(drawn.p - enumerated.p) < 0.01, `${drawn.p} ${enumerated.p}`);
  ok(Math.abs(drawn.low! - enumerated.low!) < 0.05);
  ok(Math.abs(drawn.high! - enumerated.high!) < 0.05);
  deepStrictEqual(
    drawn,
    signFlipTest([...values, enumerated.mean], { random: new Rng(1) }),
  );
});

Deno.test("signFlipTest() names values and a confidence it cannot use", () => {
  throws(() => signFlipTest([], { random }), /no values/);
  throws(() => signFlipTest([1, Infinity], { random }), /value 1, Infinity/);
  throws(
    () => signFlipTest([1], { random, confidence: 95 }),
    /confidence of 95: expected one between 0 and 1/,
  );
});
