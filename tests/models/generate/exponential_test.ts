import { ok, strictEqual } from "node:assert/strict";
import { exponential } from "lib/models/generate/exponential.ts";
import { Rng } from "lib/rng.ts";

Deno.test("exponential() is within 2 units in the last place of Math.exp", () => {
  const rng = new Rng("exponential");
  for (const largest of [1e-12, 0.01, 1, 40, 708, 746]) {
    for (let i = 0; i < 100_000; i++) {
      const x = -largest * rng.uniform();
      const expected = Math.exp(x);
      const unit = Math.max(expected * 2 ** -52, 2 ** -1074);
      const error = Math.abs(exponential(x) - expected) / unit;
      ok(error <= 2, `${error} units at ${x}`);
    }
  }
});

Deno.test("exponential() of extremes is what Math.exp gives", () => {
  for (const x of [0, -0, -708, -745, -746, -1e300, -Infinity, NaN, Infinity]) {
    strictEqual(exponential(x), Math.exp(x), `${x}`);
  }
});

Deno.test("exponential() does not fall where the borders of its steps are", () => {
  for (let k = 1; k < 128 * 30; k++) {
    const border = (0.5 - k) * Math.LN2 / 128;
    for (const by of [1e-9, 1e-12]) {
      ok(exponential(border - by) < exponential(border + by), `${k}, ${by}`);
    }
  }
});
