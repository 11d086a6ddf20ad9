import { deepEqual, equal, throws } from "node:assert/strict";
import { gridPoints } from "lib/experiment/grid.ts";
import { exactOf, recordRun } from "lib/experiment/records.ts";
import {
  collectRuns,
  findSetting,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { Clock, type RecordedRun } from "lib/record/record.ts";
import { TOY, TOY_SCHEMA, TOY_SETTINGS } from "./toy_experiment.ts";

const SETTINGS = { ...TOY_SETTINGS, levels: [{}, { shift: 5 }] };
const { methods, draws, seeds, levels } = SETTINGS;
const GRID = { methods, draws, seeds, levels };
const RUNS = await toyRuns();

async function toyRuns(): Promise<RecordedRun[]> {
  const [settings, device] = [SETTINGS, "cpu"] as const;
  const context = { experiment: "toy", settings, device, provenance: null };
  const { jobs } = await TOY.jobs.createJobs({ settings, device });
  const timings = new Clock().timings();
  const exact = await jobs.exact(null);
  const references = draws.map(async (draw) => {
    const start = await jobs.start(draw);
    const outcome = await jobs.reference({ draw, start });
    return recordRun({ draw }, { timings, ...outcome! }, context);
  });
  const runs = gridPoints(settings).map(async (point) => {
    const { draw, seed, level } = point;
    const start = await jobs.start(draw);
    const data = await jobs.prepare({ draw, seed, level, start });
    const outcome = await jobs.run({ point, start, data });
    return recordRun({ point }, { timings, ...outcome }, context);
  });
  return [
    recordRun(exactOf(settings), { timings, ...exact! }, context),
    ...await Promise.all(references),
    ...await Promise.all(runs),
  ];
}

const collect = (runs: readonly RecordedRun[], grid: unknown = GRID) =>
  collectRuns(runs, { grid, schema: TOY_SCHEMA });

Deno.test("runs are grouped by setting, draw by draw, however they come", () => {
  const { bySetting, settings, references, exact } = collect(RUNS.toReversed());
  deepEqual(settings, SETTINGS);
  equal(exact!.record.name, "exact");
  deepEqual(
    [...references].map(([draw, { record }]) => [draw, record.name]),
    [[0, "reference-draw0"], [1, "reference-draw1"]],
  );
  equal(bySetting.length, 6);
  const { method, level, runs } = bySetting[3]!;
  deepEqual(method, { loss: "dpo", options: { beta: 1 }, learningRate: 2 });
  deepEqual(level, { shift: 5 });
  deepEqual(
    runs.map(({ draw, seed, record: { name } }) => [draw, seed, name]),
    draws.flatMap((draw) =>
      seeds.map((seed) => [
        ...[draw, seed, `dpo-beta1-shift5-draw${draw}-seed${seed}`],
      ])
    ),
  );
});

Deno.test("results may have runs of fewer draws than there are records", () => {
  const { bySetting, references } = collect(RUNS, { ...GRID, draws: [1] });
  deepEqual([...references.keys()], [1]);
  deepEqual(bySetting[0]!.runs.map(({ draw }) => draw), [1, 1]);
});

Deno.test("each measure is summarized by run, and by medians where all have it", () => {
  const { bySetting } = collect(RUNS);
  const { runs, ends, trajectory, ...setting } = summarizeSetting(
    bySetting[0]!,
  );
  deepEqual(setting, { ...methods[0], level: {} });
  deepEqual(
    runs,
    draws.flatMap((draw) => seeds.map((seed) => ({ draw, seed }))),
  );
  const gains = [12.2, 12.3, 112.2, 112.3];
  deepEqual(ends["gain"]!.map((gain) => Number(gain!.toFixed(9))), gains);
  deepEqual(trajectory.map(({ step }) => step), [0, 5]);
  deepEqual(trajectory[0]!.medians, {});
  const { gain } = trajectory[1]!.medians;
  equal(gain!.toFixed(9), ((12.3 + 112.2) / 2).toFixed(9));
});

Deno.test("a setting is found by its loss and its level", () => {
  const settings = collect(RUNS).bySetting.map(summarizeSetting);
  equal(findSetting(settings, "sft"), settings[4]);
  equal(findSetting(settings, "sft", { shift: 5 }), settings[5]);
  equal(findSetting(settings, "sft", { shift: 4 }), undefined);
  equal(findSetting(settings, "kto"), undefined);
});

Deno.test("a run without a value at its end has null there", () => {
  const { bySetting: [first] } = collect(RUNS);
  const [lost, ...others] = first!.runs;
  const rows = lost!.rows.map((row) => ({ ...row, gain: null }));
  const { ends, trajectory } = summarizeSetting({
    ...first!,
    runs: [{ ...lost!, rows }, ...others],
  });
  equal(ends["gain"]![0], null);
  equal(ends["gain"]!.filter((gain) => gain !== null).length, 3);
  deepEqual(trajectory[1]!.medians, {});
});

Deno.test("runs may lack what is beside them, but are complete and of one origin", () => {
  const [exact, reference, second, first, ...rest] = RUNS;
  const alone = collect([first!, ...rest]);
  deepEqual([alone.exact, alone.references.size], [null, 0]);
  throws(() => collect([exact!, reference!, second!, ...rest]), {
    message: 'Cannot summarize: the run "dpo-beta0.1-draw0-seed1" is missing',
  });
  throws(() => collect([]), /there are no records/);
  throws(
    () => collect(RUNS, null),
    /Cannot summarize: the grid in experiment\.json/,
  );
  const { record } = first!;
  const model = { ...record.model, weights: "0".repeat(64) };
  const other = { ...first!, record: { ...record, model } };
  throws(
    () => collect([reference!, second!, other, ...rest]),
    /dpo-beta0.1-draw0-seed1 started from other weights than those of the record "reference-draw0"/,
  );
});
