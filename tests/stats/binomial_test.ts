import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { binomialInterval } from "lib/stats/binomial.ts";

Deno.test("binomialInterval() agrees with statsmodels", () => {
  // statsmodels 0.15.0: proportion_confint(count, of, 0.05, method="beta")
  const cases = [
    [0, 20, 0, 0.16843347098308534],
    [2, 10, 0.02521072632683336, 0.5560954623076415],
    [4, 22, 0.0518672993124369, 0.40284578307787144],
    [10, 10, 0.6915028921812392, 1],
    [123, 1000, 0.1032769096414177, 0.14497223867356843],
  ] as const;
  for (const [count, of, low, high] of cases) {
    const found = binomialInterval(count, of);
    deepStrictEqual([found.count, found.of], [count, of]);
    ok(Math.abs(found.low - low) < 1e-12, `${found.low} is not ${low}`);
    ok(Math.abs(found.high - high) < 1e-12, `${found.high} is not ${high}`);
  }
});

Deno.test("binomialInterval() covers every share at least as often as it says", () => {
  const of = 20;
  const intervals = Array.from(
    { length: of + 1 },
    (_, count) => binomialInterval(count, of, 0.9),
  );
  for (let share = 0.01; share < 1; share += 0.01) {
    // P(count) by the recursion of the binomial law.
    let probability = (1 - share) ** of;
    let covered = 0;
    for (const { count, low, high } of intervals) {
      if (low <= share && share <= high) covered += probability;
      probability *= (of - count) / (count + 1) * share / (1 - share);
    }
    ok(covered >= 0.9, `${share} ${covered}`);
  }
});

Deno.test("binomialInterval() names counts it cannot use", () => {
  for (const [count, of] of [[3, 2], [-1, 2], [0, 0], [0.5, 2]] as const) {
    throws(
      () => binomialInterval(count, of),
      new RegExp(`share of ${count} in ${of}: expected whole numbers`),
    );
  }
});
