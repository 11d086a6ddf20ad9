import tuning from "experiments/frontier/tuning.json" with { type: "json" };
import { deepEqual, equal, ok } from "node:assert/strict";
import { regret } from "experiments/reviews/attainable.ts";
import { FULL } from "experiments/reviews/settings.ts";
import { FRONTIER } from "experiments/frontier/experiment.ts";
import { readRecord } from "lib/record/record.ts";
import { checkout } from "../places.ts";

const CURVE = [2, 1, 0.5].map((beta) => ({
  beta,
  // Normal rewards have r = s²/β and KL = s²/2β².
  reward: 1 / beta,
  kl: 1 / (2 * beta * beta),
  effectiveSamples: 100,
}));
const OPTIONS = { attainable: CURVE, prices: [2, 1, 0.5] };

Deno.test("who is on the attainable frontier at every price regrets nothing", () => {
  const ends = CURVE.map(({ reward, kl }) => ({ goldReward: reward, kl }));
  equal(regret(ends, OPTIONS), 0);
  const [, middle] = ends;
  ok(regret([middle!], OPTIONS) > 0);
});

Deno.test("running away is no better than not training, nor worse", () => {
  const still = regret([{ goldReward: 0, kl: 0 }], OPTIONS);
  equal(still, (0.25 + 0.5 + 1) / 3);
  equal(regret([{ goldReward: 4, kl: 100 }], OPTIONS), still);
});

Deno.test("every method was tuned on the same grid", () => {
  const rates = [...new Set(tuning.trials.map((t) => t.learningRate))];
  ok(rates.length >= 4);
  const tried = tuning.trials.map(({ loss, learningRate }) =>
    `${loss} ${learningRate}`
  );
  deepEqual(
    tried.toSorted(),
    FULL.methods.flatMap(({ loss }) => rates.map((rate) => `${loss} ${rate}`))
      .toSorted(),
  );
  ok(!FULL.seeds.includes(tuning.seed), "its seed is kept for tuning");
});

Deno.test("the settings have the rates of least regret", () => {
  for (const { loss, learningRate } of FULL.methods) {
    const own = tuning.trials.filter((trial) => trial.loss === loss);
    const least = Math.min(...own.map((trial) => trial.regret));
    const best = own.find((trial) => trial.regret === least)!;
    equal(learningRate, best.learningRate, loss);
    equal(new Map(Object.entries(tuning.chosen)).get(loss), learningRate);
  }
});

Deno.test("the regrets are those of the ends, by the criterion", async () => {
  const { regret, criterion, constants } = FRONTIER.tuning;
  equal(tuning.criterion, criterion);
  deepEqual(tuning.prices, constants["prices"]);
  const reference = await readRecord(
    checkout("results/frontier/reference/run.json"),
  );
  for (const { ends, ...trial } of tuning.trials) {
    equal(regret(ends, { ...reference, rows: [] }), trial.regret);
  }
});
