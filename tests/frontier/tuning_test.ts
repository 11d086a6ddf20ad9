import { deepEqual, equal, ok } from "node:assert/strict";
import { FRONTIER } from "experiments/frontier/experiment.ts";
import { FULL } from "experiments/frontier/settings.ts";
import tuning from "experiments/frontier/tuning.json" with { type: "json" };
import { nameOf } from "lib/experiment/figure_parts.ts";
import type { Method } from "lib/experiment/grid.ts";
import { quantile } from "lib/stats/interval.ts";

const CHOSEN: readonly Method[] = tuning.chosen;
const TRIALS: readonly (Method & {
  regret: number;
  ends: readonly { goldReward: number; kl: number }[];
})[] = tuning.trials;

Deno.test("every method was tuned on the same rates, draws and seeds", () => {
  const { learningRates, settings, criterion } = FRONTIER.tuning;
  deepEqual(tuning.learningRates, learningRates);
  deepEqual([tuning.draws, tuning.seeds], [settings.draws, settings.seeds]);
  equal(tuning.criterion, criterion);
  const tried = TRIALS.map((trial) => `${nameOf(trial)} ${trial.learningRate}`);
  const all = FULL.methods.flatMap((method) =>
    learningRates.map((rate) => `${nameOf(method)} ${rate}`)
  );
  deepEqual(tried.toSorted(), all.toSorted());
  const runs = tuning.draws.length * tuning.seeds.length;
  ok(TRIALS.every(({ ends }) => ends.length === runs));
});

Deno.test("no result has a draw or a seed of tuning", () => {
  ok(!FULL.draws.some((draw) => tuning.draws.includes(draw)));
  ok(!FULL.seeds.some((seed) => tuning.seeds.includes(seed)));
});

Deno.test("the settings have the rates of least regret", () => {
  for (const method of FULL.methods) {
    const own = TRIALS.filter((trial) => nameOf(trial) === nameOf(method));
    const [best] = own.toSorted((a, b) => a.regret - b.regret);
    equal(method.learningRate, best!.learningRate, nameOf(method));
    const chosen = CHOSEN.find((one) => nameOf(one) === nameOf(method));
    equal(chosen?.learningRate, method.learningRate);
  }
});

Deno.test("the regrets are those of the ends, by the criterion", () => {
  const { regret } = FRONTIER.tuning;
  for (const { ends, ...trial } of TRIALS) {
    const regrets = ends.map((end) =>
      regret(end, { method: trial, reference: null, exact: null })
    );
    equal(quantile(regrets, 0.5), trial.regret);
  }
});
