import { deepEqual, equal, throws } from "node:assert/strict";
import {
  gridPoints,
  lossOptionsAt,
  referenceName,
  runName,
} from "lib/experiment/grid.ts";

const METHODS = [
  { loss: "dpo", options: { beta: 0.1 }, learningRate: 1e-3 },
  { loss: "dpo", options: { beta: 3 }, learningRate: 1e-3 },
  { loss: "sft", options: {}, learningRate: 2e-3 },
];
const GRID = { methods: METHODS, draws: [0, 7], seeds: [1, 2], levels: [{}] };

Deno.test("a grid has each method with each seed of each draw", () => {
  const points = gridPoints(GRID);
  deepEqual(
    points.map(runName),
    [0, 7].flatMap((draw) =>
      ["dpo-beta0.1", "dpo-beta3", "sft"].flatMap((name) =>
        [1, 2].map((seed) => `${name}-draw${draw}-seed${seed}`)
      )
    ),
  );
  deepEqual(points[3], {
    ...{ loss: "dpo", options: { beta: 3 }, learningRate: 1e-3 },
    ...{ draw: 0, seed: 2, level: {} },
  });
  equal(referenceName(7), "reference-draw7");
});

Deno.test("levels stand in the names of runs", () => {
  const levels = [{ flip: 0 }, { flip: 0.2 }];
  const [method] = METHODS;
  deepEqual(
    gridPoints({ methods: [method!], draws: [0], seeds: [1], levels })
      .map(runName),
    ["dpo-beta0.1-flip0-draw0-seed1", "dpo-beta0.1-flip0.2-draw0-seed1"],
  );
});

Deno.test("a run has one name, in whatever order its options are given", () => {
  const [first, second] = [{ alpha: 1, beta: 2 }, { beta: 2, alpha: 1 }].map(
    (options) =>
      runName({
        ...{ loss: "r-dpo", options, learningRate: 1e-3 },
        ...{ level: { b: 1, a: 0 }, draw: 0, seed: 1 },
      }),
  );
  equal(first, "r-dpo-alpha1-beta2-a0-b1-draw0-seed1");
  equal(second, first);
});

Deno.test("a method with levels of its own runs at those alone", () => {
  const levels = [{}, { flip: 0.2 }, { flip: 0.4 }];
  const [plain, own] = METHODS;
  const points = gridPoints({
    methods: [plain!, { ...own!, levels: [{ flip: 0.2 }] }],
    ...{ draws: [0], seeds: [1], levels },
  });
  deepEqual(points.map(runName), [
    ...["", "-flip0.2", "-flip0.4"].map((level) =>
      `dpo-beta0.1${level}-draw0-seed1`
    ),
    "dpo-beta3-flip0.2-draw0-seed1",
  ]);
  deepEqual(points.at(-1), {
    ...{ ...own!, level: { flip: 0.2 }, draw: 0, seed: 1 },
  });
});

Deno.test("two runs of one name are refused", () => {
  const again = { ...METHODS[2]!, learningRate: 1 };
  throws(() => gridPoints({ ...GRID, methods: [...METHODS, again] }), {
    message:
      'Cannot run "sft-draw0-seed1" twice: expected settings that differ',
  });
  throws(() => gridPoints({ ...GRID, seeds: [2, 1, 2] }), /-seed2" twice/);
});

Deno.test("the loss of a method has its options, and defaults besides", () => {
  const [dpo, , sft] = METHODS;
  equal(lossOptionsAt(dpo!)["beta"], 0.1);
  equal(lossOptionsAt(dpo!)["labelSmoothing"], 0);
  deepEqual(lossOptionsAt(sft!), lossOptionsAt({ ...sft!, learningRate: 9 }));
  throws(() => lossOptionsAt({ ...dpo!, options: { gamma: 1 } }), /gamma/);
});
