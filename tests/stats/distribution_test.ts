import { ok, strictEqual } from "node:assert/strict";
import {
  entropy,
  expectation,
  klDivergence,
  logSoftmax,
  logSumExp,
} from "lib/stats/distribution.ts";
import { assertClose } from "../assert_close.ts";

const half = [Math.log(1 / 2), Math.log(1 / 2)];
const quarter = [Math.log(1 / 4), Math.log(3 / 4)];

Deno.test("logSumExp() holds where e to the power of a number would not", () => {
  assertClose([logSumExp([1000, 1000])], [1000 + Math.LN2]);
  assertClose([logSumExp([-1000, -1000])], [-1000 + Math.LN2]);
  strictEqual(logSumExp([-Infinity, -Infinity]), -Infinity);
});

Deno.test("logSoftmax() has probabilities that sum to 1", () => {
  assertClose(logSoftmax([5, 5 + Math.log(3)]), quarter);
});

Deno.test("a coin has an entropy of log 2, and both divergences from a bent one", () => {
  assertClose([entropy(half)], [Math.LN2]);
  assertClose([klDivergence(half, quarter)], [Math.log(4 / 3) / 2]);
  assertClose(
    [klDivergence(quarter, half)],
    [Math.log(1 / 2) / 4 + 3 * Math.log(3 / 2) / 4],
  );
});

Deno.test("an outcome that cannot happen adds nothing, but makes the reverse divergence infinite", () => {
  const sure = [0, -Infinity];
  strictEqual(Math.abs(entropy(sure)), 0);
  assertClose([expectation(sure, [3, 1e300])], [3]);
  assertClose([klDivergence(sure, half)], [Math.LN2]);
  ok(klDivergence(half, sure) === Infinity);
});
