import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { withContents } from "experiments/comparison/contents.ts";
import { createJobs } from "experiments/comparison/jobs.ts";
import { writePlan } from "experiments/comparison/plan_files.ts";
import type { ComparisonSettings } from "experiments/comparison/settings.ts";
import { type Example, hashExamples } from "lib/data/example.ts";
import { loadExamples } from "lib/data/load.ts";
import { gridPoints, runName } from "lib/experiment/grid.ts";
import { run } from "lib/run/run.ts";
import { completeSettings } from "lib/run/settings.ts";
import { type TinyTraining, tinyTraining } from "../scripts/tiny_training.ts";

/** Two methods and seeds on 8 pairs: a last batch of two pairs. */
async function settingsOf(t: TinyTraining): Promise<ComparisonSettings> {
  const { loss: _loss, options: _options, learningRate, seed: _s, ...train } =
    completeSettings({
      ...{ model: t.model, data: t.pairs, loss: "dpo", preset: "trl" },
      ...{ learningRate: 0.01, batch: 3, epochs: 2, threads: 1 },
    });
  const { settings } = await withContents({
    ...{ draws: [0], levels: [{}], seeds: [1, 2], train },
    methods: [
      { loss: "dpo", options: { beta: 0.3 }, learningRate },
      { loss: "kto", options: {}, learningRate: 0.02 },
    ],
    heldOut: { share: 0.3, pairs: 500, isDev: false },
    evaluation: {
      ...{ times: 6, prompts: 1, maxNewTokens: 4 },
      ...{ probes: 1, controlText: null },
    },
  }, {});
  return settings;
}

async function rowsIn(path: string): Promise<readonly Example[]> {
  const options = { role: "train", tokenizer: null, vocabularySize: 512 };
  return (await loadExamples(path, options)).examples;
}

Deno.test("a trainer that reads the plan of a comparison takes the same steps", async () => {
  await using t = await tinyTraining();
  const settings = await settingsOf(t);
  const folder = join(t.path, "plan");
  await writePlan(folder, settings);
  const { data, runs } = JSON.parse(
    await Deno.readTextFile(join(folder, "plan.json")),
  );
  const train = join(folder, "train.jsonl");
  const pairs = await rowsIn(train);
  const heldOut = await rowsIn(join(folder, "held-out.jsonl"));
  deepEqual([pairs.length, heldOut.length], [8, 4]);
  deepEqual(data, {
    train: hashExamples({ examples: pairs }),
    heldOut: hashExamples({ examples: heldOut }),
  });
  await using stack = new AsyncDisposableStack();
  const live = join(t.path, "live");
  const { jobs, release } = await createJobs({ settings, device: "cpu", live });
  stack.defer(release);
  const points = gridPoints(settings);
  equal(runs.length, points.length);
  for (const point of points) {
    const { name, examples, batches, seed, ...planned } = runs.find((
      run: { name: string },
    ) => run.name === runName(point));
    // The run is followed here, and takes the place of one that was killed.
    await Deno.mkdir(join(live, name), { recursive: true });
    await Deno.writeTextFile(join(live, name, "metrics.jsonl"), "{");
    const own = await jobs.run({ point, start: null, data: null });
    deepEqual([...Deno.readDirSync(live)], []);
    const perPair = examples === "labels" ? 2 : 1;
    const sizes = batches.map((batch: number[]) => batch.length / perPair);
    deepEqual(sizes, [3, 3, 2, 3, 3, 2]);
    const other = await run({
      ...{ model: t.model, data: train, ...planned },
      tuning: {
        kind: "adapter",
        adapter: join(folder, `adapter-seed${seed}`),
      },
      ...{ batch: 3 * perPair, epochs: 2, threads: 1, device: "cpu" },
    }, {
      inputs: {
        shuffle: (epoch) => batches.slice(3 * epoch, 3 * epoch + 3).flat(),
      },
    });
    const losses = own.rows.slice(1).map(({ loss }) => loss);
    equal(losses.length, 6);
    deepEqual(other!.rows.map(({ loss }) => loss), losses, name);
  }
});
