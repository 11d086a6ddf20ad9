import { deepEqual, equal, throws } from "node:assert/strict";
import { gridPoints, lossOptionsAt, runName } from "lib/experiment/grid.ts";

const METHODS = [
  { loss: "dpo", option: "beta", values: [0.1, 3], learningRate: 1e-3 },
  { loss: "sft", option: null, values: [0], learningRate: 2e-3 },
  {
    ...{ loss: "orpo", option: "learningRate" },
    ...{ values: [1e-4, 8e-4], learningRate: 1e-4 },
  },
];

Deno.test("a grid has each method at each of its values with each seed", () => {
  const points = gridPoints({ methods: METHODS, seeds: [1, 2] });
  deepEqual(points.map(runName), [
    "dpo-beta0.1-seed1",
    "dpo-beta0.1-seed2",
    "dpo-beta3-seed1",
    "dpo-beta3-seed2",
    "sft-seed1",
    "sft-seed2",
    "orpo-learningRate0.0001-seed1",
    "orpo-learningRate0.0001-seed2",
    "orpo-learningRate0.0008-seed1",
    "orpo-learningRate0.0008-seed2",
  ]);
  deepEqual(points[3], {
    ...{ loss: "dpo", option: "beta", value: 3, learningRate: 1e-3, seed: 2 },
  });
  equal(points.at(-1)!.learningRate, 8e-4);
});

Deno.test("the loss of a point has its value, and defaults besides", () => {
  const [dpo, , , , sft, , orpo] = gridPoints({ methods: METHODS, seeds: [1] });
  equal(lossOptionsAt(dpo!)["beta"], 0.1);
  equal(lossOptionsAt(dpo!)["labelSmoothing"], 0);
  for (const point of [sft, orpo].filter((point) => point !== undefined)) {
    deepEqual(
      lossOptionsAt(point),
      lossOptionsAt({ ...point, option: null }),
    );
  }
  throws(() => lossOptionsAt({ ...dpo!, option: "gamma" }), /gamma/);
});
