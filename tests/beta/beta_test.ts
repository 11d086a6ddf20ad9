import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { BETA } from "experiments/beta/experiment.ts";
import { betaFigure } from "experiments/beta/figure.ts";
import { FULL } from "experiments/beta/settings.ts";
import { summarize } from "experiments/beta/summary.ts";
import {
  FRONTIER_SETTINGS,
  FULL as FRONTIER,
} from "experiments/frontier/settings.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { collectRuns } from "lib/experiment/summary.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { pairedDifference } from "lib/stats/interval.ts";
import { syntheticRuns } from "../frontier/synthetic_runs.ts";
import { TINY as FRONTIER_TINY } from "../frontier/tiny_settings.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const TINY = {
  ...FRONTIER_TINY,
  methods: FULL.methods.map((method) => ({
    ...method,
    values: method.values.slice(0, 2),
  })),
  evaluation: { ...FRONTIER_TINY.evaluation, steps: [4] },
};

Deno.test("β varies in frontier's world, which stays as it is", () => {
  const { methods: _, evaluation, ...world } = FULL;
  const { methods, evaluation: every, ...frontier } = FRONTIER;
  deepEqual(world, frontier);
  deepEqual(evaluation, { ...every, steps: [96] });
  for (const { values: _, ...method } of FULL.methods) {
    const { values: __, ...its } = methods.find(({ loss }) =>
      loss === method.loss
    )!;
    deepEqual(method, its);
  }
});

Deno.test("the whole experiment, small", async () => {
  using folder = temporaryFolder();
  const settings = { ...BETA.settings, full: TINY };
  const out = join(folder.path, "beta");
  const { figure } = await experiment({ ...BETA, settings }).run({
    ...{ out, quick: false, seeds: null, device: "cpu", jobs: 1 },
    watch: () => ({ update: () => {}, finish: () => {} }),
  });
  const [ranges, ends] = figure.tables;
  deepEqual(ranges!.rows.map(([method]) => method), ["dpo", "kto", "orpo"]);
  equal(ends!.rows.length, 6);
});

/** Runs whose gold rewards at the end of training are given, by value and seed. */
function runsWith(rewards: readonly (readonly number[])[]): RecordedRun[] {
  const [method] = TINY.methods;
  const values = rewards.map((_, i) => i + 1);
  const seeds = rewards[0]!.map((_, i) => i + 1);
  const settings = { ...TINY, seeds, methods: [{ ...method!, values }] };
  const [reference, ...runs] = syntheticRuns(settings);
  const given = runs.map(({ record, rows }, i) => ({
    record,
    rows: [
      ...rows.slice(0, -1),
      { ...rows.at(-1)!, goldReward: rewards.flat()[i]! },
    ],
  }));
  return [reference!, ...given];
}

const summaryOf = (rewards: readonly (readonly number[])[]) =>
  summarize(collectRuns(runsWith(rewards), FRONTIER_SETTINGS));

Deno.test("a value is told apart from the best by differences paired by seed", () => {
  // Seeds differ by far more than the values do.
  const [far, best, near] = [[0, 2.02, 4], [1, 3, 5], [1.2, 2.7, 4.9]];
  const [settings] = summaryOf([far, best, near]);
  deepEqual(settings!.map(({ within }) => within), [false, true, true]);
  deepEqual(settings![0]!.behind, pairedDifference(best, far));
  const { tables } = betaFigure([settings!]);
  deepEqual(tables[0]!.rows, [["dpo", "2", "2, 3", "1"]]);
});

Deno.test("one seed tells nothing apart and announces no interval", () => {
  const summary = summaryOf([[1], [2]]);
  deepEqual(summary[0]!.map(({ within }) => within), [null, null]);
  const { tables, panels } = betaFigure(summary);
  deepEqual(tables[0]!.rows, [["dpo", "2", null, null]]);
  ok(panels.every(({ note }) => note === undefined));
});
