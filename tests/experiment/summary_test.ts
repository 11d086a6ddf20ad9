import { deepEqual, equal, throws } from "node:assert/strict";
import { gridPoints } from "lib/experiment/grid.ts";
import { recordRun } from "lib/experiment/records.ts";
import { collectRuns, summarizeSetting } from "lib/experiment/summary.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { meanInterval } from "lib/stats/interval.ts";
import { TOY, TOY_SCHEMA, TOY_SETTINGS } from "./toy_experiment.ts";

const RUNS = await toyRuns();

async function toyRuns(): Promise<RecordedRun[]> {
  const [settings, device] = [TOY_SETTINGS, "cpu"] as const;
  const context = { experiment: "toy", settings, device, provenance: null };
  const shared = await TOY.prepare(settings, {
    device,
    watch: () => ({ update: () => {}, finish: () => {} }),
  });
  const { jobs } = await TOY.jobs.createJobs({ settings, shared, device });
  const reference = await jobs.reference(null);
  const runs = gridPoints(settings).map(async (point) => {
    const data = await jobs.prepare(point.seed);
    return recordRun(point, await jobs.run({ point, data }), context);
  });
  return [recordRun(null, reference!, context), ...await Promise.all(runs)];
}

Deno.test("runs are grouped by setting, seeds in order, however they come", () => {
  const { bySetting, settings, reference } = collectRuns(
    RUNS.toReversed(),
    TOY_SCHEMA,
  );
  deepEqual(settings, TOY_SETTINGS);
  equal(reference!.record.name, "reference");
  equal(bySetting.length, 4);
  const { setting, seeds, runs } = bySetting[1]!;
  deepEqual(setting, {
    ...{ loss: "dpo", option: "beta", value: 1, learningRate: 2 },
  });
  deepEqual(seeds, [1, 2, 3]);
  deepEqual(
    runs.map(({ record }) => record.name),
    ["dpo-beta1-seed1", "dpo-beta1-seed2", "dpo-beta1-seed3"],
  );
});

Deno.test("each measure is summarized over seeds, where all of them have it", () => {
  const { bySetting } = collectRuns(RUNS, TOY_SCHEMA);
  const { trajectory } = summarizeSetting(bySetting[0]!);
  deepEqual(trajectory, [
    { step: 0, measures: {} },
    { step: 5, measures: { gain: meanInterval([12.2, 12.3, 12.4]) } },
  ]);
});

Deno.test("runs may lack a reference, but are complete and of one origin", () => {
  const [reference, first, ...rest] = RUNS;
  const collect = (runs: RecordedRun[]) => () => collectRuns(runs, TOY_SCHEMA);
  equal(collect([first!, ...rest])().reference, null);
  throws(collect([reference!, ...rest]), {
    message: 'Cannot summarize: the run "dpo-beta0.1-seed1" is missing',
  });
  throws(collect([]), /there are no records/);
  const { record } = first!;
  const model = { ...record.model, weights: "0".repeat(64) };
  const other = { ...first!, record: { ...record, model } };
  throws(
    collect([reference!, other, ...rest]),
    /dpo-beta0.1-seed1 started from other weights/,
  );
});
