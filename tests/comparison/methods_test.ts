import { doesNotThrow, equal, throws } from "node:assert/strict";
import { batchOf, checkMethods } from "experiments/comparison/methods.ts";
import { methodLosses } from "lib/experiment/method_losses.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Method } from "lib/experiment/grid.ts";

const method = (loss: string, options: Method["options"] = {}): Method => ({
  ...{ loss, options, learningRate: 1e-3 },
});

const KNOWN = await methodLosses(
  ["dpo", "kto", "orpo", "exo"].map((loss) => ({ loss })),
);

const check = (
  methods: Method[],
  train: Parameters<typeof checkMethods>[0]["train"],
) =>
  checkMethods(
    { methods, draws: [0], seeds: [1], levels: [{}], train },
    KNOWN,
  );

const TRAIN = { batch: 1, preset: null };

Deno.test("a step has as many pairs for losses of single answers", () => {
  equal(batchOf(findLoss("dpo"), { ...TRAIN, batch: 3 }), 3);
  equal(batchOf(findLoss("kto"), { ...TRAIN, batch: 3 }), 6);
});

Deno.test("methods are refused that are there twice, out of bounds, or lack what others need", () => {
  doesNotThrow(() => check([method("dpo"), method("kto")], TRAIN));
  throws(() => check([method("dpo"), method("dpo")], TRAIN), /twice/);
  throws(() => check([method("dpo", { beta: -1 })], TRAIN), /"beta"/);
  const preset = { ...TRAIN, preset: "llama-factory" } as const;
  doesNotThrow(() => check([method("orpo")], preset));
  throws(
    () => check([method("orpo"), method("exo")], preset),
    /^RangeError: Cannot use --preset llama-factory: loss "exo" has/,
  );
});
