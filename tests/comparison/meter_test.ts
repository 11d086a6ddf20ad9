import { deepEqual, equal } from "node:assert/strict";
import { marginsOf, pairMeasures } from "experiments/comparison/meter.ts";
import { assertClose } from "../assert_close.ts";

const BEFORE = [[-2, -3], [-5, -1], [-4, -4]];
const AFTER = [[-1, -4], [-4, -2], [-6, -5]];

Deno.test("margins are log-ratios of chosen over rejected", () => {
  deepEqual(marginsOf(AFTER, BEFORE), [2, 2, -1]);
});

Deno.test("accuracy is of log π/π_ref, and of log π alone", () => {
  const measures = pairMeasures(AFTER, BEFORE);
  assertClose([measures.accuracy], [2 / 3]);
  assertClose([measures.logProbAccuracy], [1 / 3]);
  assertClose([measures.chosen], [0]);
  assertClose([measures.rejected], [-1]);
  assertClose([measures.margin], [1]);
});

Deno.test("a pair that is not told apart counts as wrong", () => {
  equal(pairMeasures(BEFORE, BEFORE).accuracy, 0);
});
