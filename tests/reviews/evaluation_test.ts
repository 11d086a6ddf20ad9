import { deepEqual, equal } from "node:assert/strict";
import { pairMeasures } from "experiments/reviews/evaluation.ts";

Deno.test("accuracy counts pairs whose chosen completion gained strictly more", () => {
  const reference = [[-5, -5], [-1, -9], [-3, -3], [-4, -2]];
  const logProbs = [
    [-4, -5], // +1, 0: right
    [-2, -9], // −1, 0: wrong, though still far likelier
    [-2, -2], // a tie
    [-9, -8], // −5, −6: right, though both fell
  ];
  deepEqual(pairMeasures(logProbs, reference), {
    accuracy: 0.5,
    chosen: (1 - 1 + 1 - 5) / 4,
    rejected: (0 + 0 + 1 - 6) / 4,
  });
});

Deno.test("where nothing has changed no pair is told apart", () => {
  const reference = [[-5, -6], [-7, -2]];
  equal(pairMeasures(reference, reference).accuracy, 0);
});
