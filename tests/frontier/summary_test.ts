import * as frontier from "experiments/frontier/summary.ts";
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { attainableReward } from "experiments/reviews/attainable.ts";
import { frontierFigure } from "experiments/frontier/figure.ts";
import { FRONTIER_SETTINGS } from "experiments/reviews/settings.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { collectRuns } from "lib/experiment/summary.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { meanInterval } from "lib/stats/interval.ts";
import type { ScatterTrace } from "lib/plot/figure.ts";
import { syntheticRuns } from "./synthetic_runs.ts";
import { TINY } from "./tiny_settings.ts";

const RUNS = syntheticRuns();

const summarize = (runs: readonly RecordedRun[]) =>
  frontier.summarize(collectRuns(runs, FRONTIER_SETTINGS));

Deno.test("each measure is summarized over seeds, at each step", () => {
  const { settings } = summarize(RUNS);
  const dpo = settings.find(({ loss }) => loss === "dpo")!;
  deepEqual(dpo.seeds, [1, 2]);
  deepEqual(dpo.trajectory.map(({ step }) => step), [0, 2, 4]);
  const own = RUNS.filter(({ record }) => record.name.startsWith("dpo"));
  equal(own.length, 2);
  for (const [i, { measures }] of dpo.trajectory.entries()) {
    for (const name of ["goldReward", "kl", "chosen", "broken"]) {
      const values = own.map(({ rows }) => rows[i]![name]!);
      deepEqual(measures[name], meanInterval(values));
    }
  }
  ok(!("accuracy" in dpo.trajectory[0]!.measures), "unknown at the start");
});

Deno.test("the shortfall is measured at each run's own KL", () => {
  const { settings, attainable } = summarize(RUNS);
  const own = RUNS.filter(({ record }) => record.name.startsWith("kto"));
  const gaps = own.map(({ rows }) => {
    const { kl, goldReward } = rows.at(-1)!;
    return attainableReward(attainable, kl!) - goldReward!;
  });
  const kto = settings.find(({ loss }) => loss === "kto")!;
  deepEqual(kto.shortfall, meanInterval(gaps));
});

Deno.test("between its points the attainable reward follows the curve", () => {
  const point = (kl: number, reward: number) => ({
    ...{ beta: 1, effectiveSamples: 9 },
    ...{ kl, reward },
  });
  const curve = [point(0.04, 0.2), point(1, 1), point(2, 1.5)];
  equal(attainableReward(curve, 0), 0);
  equal(attainableReward(curve, 0.01), 0.1);
  equal(attainableReward(curve, 1), 1);
  equal(attainableReward(curve, 1.5), 1.25);
  equal(attainableReward(curve, 50), 1.5);
});

Deno.test("runs that are missing or of another model are refused", () => {
  const without = (name: string) =>
    RUNS.filter(({ record }) => record.name !== name);
  throws(
    () => summarize(without("reference")),
    /the record "reference" is missing/,
  );
  throws(
    () => summarize(without("dpo-beta1-seed2")),
    /the run "dpo-beta1-seed2" is missing/,
  );
  const other = RUNS.map((run): RecordedRun => {
    if (run.record.name !== "dpo-beta1-seed2") return run;
    const model = { ...run.record.model, weights: "0".repeat(64) };
    return { ...run, record: { ...run.record, model } };
  });
  throws(
    () => summarize(other),
    /dpo-beta1-seed2 started from other weights/,
  );
});

Deno.test("the same records give the same figure, in whatever order they come", () => {
  const figure = canonicalJson(frontierFigure(summarize(RUNS)));
  const again = canonicalJson(frontierFigure(summarize(RUNS.toReversed())));
  equal(again, figure);
});

Deno.test("the figure draws every method and tells every setting", () => {
  const summary = summarize(RUNS);
  const { panels, tables } = frontierFigure(summary);
  for (const { loss } of summary.methods) {
    for (const { data, title } of panels) {
      ok(data.some(({ name }) => name?.startsWith(loss)), `${loss}: ${title}`);
    }
  }
  equal(tables[0]!.rows.length, summary.settings.length);
});

Deno.test("the figure of one seed shows and announces no interval", () => {
  const textOf = (seeds: number[]) => {
    const runs = syntheticRuns({ ...TINY, seeds });
    return JSON.stringify(frontierFigure(summarize(runs)));
  };
  const [one, two] = [textOf([1]), textOf([1, 2])];
  for (const sign of ["±", "interval", "95 %", "Bars"]) {
    ok(two.includes(sign), sign);
    ok(!one.replace("One seed, so there are no intervals.", "").includes(sign));
  }
  const runs = syntheticRuns({ ...TINY, seeds: [1] });
  const { panels } = frontierFigure(summarize(runs));
  for (const { data } of panels) {
    for (const trace of data) {
      const { error_x: x, error_y: y } = trace as Partial<ScatterTrace>;
      deepEqual([x, y].filter((bar) => bar && bar.visible !== false), []);
    }
  }
});
