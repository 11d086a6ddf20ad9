import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { holm } from "lib/stats/holm.ts";
import { Rng } from "lib/rng.ts";

Deno.test("holm() agrees with statsmodels", () => {
  // statsmodels 0.15.0: multipletests(ps, method="holm")[1]
  const adjusted = holm([0.01, 0.04, 0.03, 0.005, 0.2, 0.04]);
  const expected = [0.05, 0.12, 0.12, 0.03, 0.2, 0.12];
  ok(adjusted.every((p, i) => Math.abs(p - expected[i]!) < 1e-15));
  deepStrictEqual(holm([0.3]), [0.3]);
  deepStrictEqual(holm([]), []);
  deepStrictEqual(holm([0.6, 0.7]), [1, 1]);
});

Deno.test("holm() rejects falsely in one family of twenty", () => {
  const rng = new Rng("family");
  let wrong = 0;
  const families = 4000;
  for (let family = 0; family < families; family++) {
    const ps = Array.from({ length: 5 }, () => rng.uniform());
    if (holm(ps).some((p) => p < 0.05)) wrong++;
  }
  // 1 − (1 − 0.01)⁵ for independent tests.
  const rate = 1 - 0.99 ** 5;
  const error = Math.sqrt(rate * (1 - rate) / families);
  ok(Math.abs(wrong / families - rate) < 4 * error, `${wrong}`);
});

Deno.test("holm() names a p-value that is none", () => {
  throws(() => holm([0.5, 1.2]), /p-value of 1\.2: expected one in \[0, 1\]/);
  throws(() => holm([NaN]), /p-value of NaN/);
});
