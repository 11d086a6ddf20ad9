import { deepEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { withContents } from "experiments/comparison/contents.ts";
import * as jobs from "experiments/comparison/jobs.ts";
import type { ExperimentJobs } from "lib/experiment/definition.ts";
import { gridPoints, runName } from "lib/experiment/grid.ts";
import { ProcessWorker } from "lib/experiment/process_worker.ts";
import { namesIn } from "lib/files/missing.ts";
import { differences } from "lib/record/differences.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";
import { settingsOf } from "./settings_of.ts";

Deno.test("a run that is cut off goes on from an evaluation, to the same record", async () => {
  await using t = await tinyTraining();
  const wanted = settingsOf(
    {
      ...{ model: t.model, data: t.pairs, steps: 120, batch: 4, threads: 1 },
      saveEvery: 1,
    },
    {},
    { times: 6 },
  );
  // It needs no reference, hence no cache of one.
  const methods = [{ loss: "orpo", options: {}, learningRate: 1e-3 }];
  const { settings } = await withContents({ ...wanted, methods }, {});
  const checkpoints = join(t.path, "checkpoints");
  await Deno.mkdir(checkpoints);
  const setup = { settings, device: "cpu" as const, checkpoints };
  const [point] = gridPoints(settings);
  const task = { point: point!, start: null, data: null };
  const kept = join(checkpoints, runName(point!), "checkpoints");

  const cut = new AbortController();
  const worker = await ProcessWorker.create<ExperimentJobs<null, null>>({
    ...{ url: jobs.url, setup, signal: cut.signal },
  });
  const running = worker.run("run", task);
  let isOver = false;
  running.finally(() => isOver = true).catch(() => {});
  while (!isOver && (await namesIn(kept)).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  cut.abort();
  await rejects(running);

  const here = await jobs.createJobs(setup);
  const alone = await jobs.createJobs({ settings, device: "cpu" });
  const [step] = (await namesIn(kept)).map((name) => name.match(/\d+/)![0]);
  ok(Number(step) > 0 && Number(step) < 120, step);
  const [expected, found] = [
    await alone.jobs.run(task),
    await here.jobs.run(task),
  ];
  await here.release();
  await alone.release();
  const plain = (value: typeof found) => ({
    ...{ ...value, timings: null, peakMemoryBytes: 0 },
  });
  deepEqual(differences(plain(expected), plain(found)), []);
  deepEqual(await namesIn(checkpoints), []);
});
