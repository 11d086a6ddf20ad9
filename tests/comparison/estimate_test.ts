import { deepEqual, equal, ok } from "node:assert/strict";
import { withContents } from "experiments/comparison/contents.ts";
import { estimate, secondsOf } from "experiments/comparison/estimate.ts";
import { rateTrials } from "experiments/comparison/rates.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";
import { settingsOf } from "./settings_of.ts";

const METHODS = ["dpo", "kto"].map((loss) => ({
  ...{ loss, options: {}, learningRate: 0.01 },
}));

Deno.test("an estimate counts every step, measures one method and the memory, and writes nothing", async () => {
  await using t = await tinyTraining();
  const given = {
    ...{ model: t.model, data: t.pairs, batch: 3, epochs: 2, threads: 1 },
  };
  const wanted = settingsOf(given, {}, { prompts: 3 });
  const { settings } = await withContents(
    { ...wanted, methods: METHODS, seeds: [1, 2] },
    {},
  );
  const before = [...Deno.readDirSync(t.path)].map(({ name }) => name);
  const options = { rates: [0.1, 1, 10], steps: 5, pairs: 2 };
  const found = await estimate(settings, {
    device: "cpu",
    trials: rateTrials(settings, options),
  });
  // 8 pairs, 3 a step, twice; as 16 answers, 6 a step.
  deepEqual(found.steps, [6, 6]);
  equal(found.totalSteps, 2 * 2 * 6 + 2 * 3 * 5);
  // It has the prompts twice, and rows for its estimate of KL.
  equal(found.measured.method.loss, "kto");
  ok(found.measured.seconds > 0);
  ok(found.seconds > 24 * found.measured.seconds);
  ok(found.bytes > 1e7 && found.bytes < 1e10);
  const after = [...Deno.readDirSync(t.path)].map(({ name }) => name);
  deepEqual(after.sort(), before.sort());
});

Deno.test("the time of a comparison is in proportion to tokens, pairs and answers", () => {
  const wanted = settingsOf({ model: "m", data: "d" }, { pairs: 50 }, {
    ...{ times: 4, prompts: 3, maxNewTokens: 10 },
  });
  const contents = {
    ...{ model: "", data: "", evalData: null, controlText: null },
  };
  const settings = { ...wanted, contents, methods: METHODS, seeds: [1, 2] };
  const planned = METHODS.map((method, i) => ({
    ...{ method, steps: 8, tokens: 1000 * (i + 1) },
  }));
  const none = { perToken: 0, start: 0, perPair: 0, perAnswerToken: 0 };
  const of = (costs: Partial<typeof none>, heldOut = 20) =>
    secondsOf({ settings, planned }, { costs: { ...none, ...costs }, heldOut });
  equal(of({ perToken: 1 }), 2 * (1000 + 2000));
  equal(of({ start: 1 }), 4);
  // Four evaluations of four runs, and one of the reference.
  equal(of({ perPair: 1 }), 17 * 20);
  equal(of({ perPair: 1 }, 80), 17 * 50);
  equal(of({ perAnswerToken: 1 }), 5 * 3 * 10);
  equal(of({ perToken: 1, start: 1 }), 6004);
});
