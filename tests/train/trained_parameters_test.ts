import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { adamW, sgd } from "lib/optim.ts";
import { TrainedParameters } from "lib/train/trained_parameters.ts";

const PARAMETERS = [
  { name: "norm", shape: [2] },
  { name: "matrix", shape: [1, 2] },
];
const START = new Map([
  ["norm", Float32Array.of(1, 2)],
  ["matrix", Float32Array.of(3, 4)],
]);

/** A step without a gradient, so that only the weight decay moves anything. */
Deno.test("weight decay moves the parameters that the optimizer's mask has", async () => {
  const trained = await TrainedParameters.create(PARAMETERS, {
    optimizer: sgd(),
  });
  await trained.restart(START);
  await trained.take(0, { learningRate: 0.5, weightDecay: 0.5 });
  const moved = await trained.values();
  await trained.release();
  deepStrictEqual(moved.get("norm"), Float32Array.of(1, 2));
  deepStrictEqual(moved.get("matrix"), Float32Array.of(2.25, 3));
});

Deno.test("parameters continue where they were saved, under the same optimizer only", async () => {
  const [first, second, other] = [
    await TrainedParameters.create(PARAMETERS, { optimizer: adamW() }),
    await TrainedParameters.create(PARAMETERS, { optimizer: adamW() }),
    await TrainedParameters.create(PARAMETERS, { optimizer: sgd() }),
  ];
  await first.restart(START);
  await first.take(0, { learningRate: 0.1 });
  const saved = await first.save();
  await second.restore(saved);
  strictEqual(second.step, 1);
  deepStrictEqual(await second.save(), saved);
  await rejects(other.restore(saved), {
    message: 'Cannot continue with sgd: found no "velocity" in the saved state',
  });
  for (const trained of [first, second, other]) await trained.release();
});
