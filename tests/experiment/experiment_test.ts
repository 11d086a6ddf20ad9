import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ExperimentOptions } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { runName } from "lib/experiment/grid.ts";
import { readRun, readRuns } from "lib/experiment/records.ts";
import { differences } from "lib/record/differences.ts";
import { sha256 } from "lib/record/sha256.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { TOY, TOY_SETTINGS } from "./toy_experiment.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS: Omit<ExperimentOptions, "out"> = {
  ...{ quick: false, seeds: null, device: "cpu", jobs: 1, watch },
};

const toy = experiment(TOY);

Deno.test("an experiment writes a record of each point and of the reference", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  const { phases } = await toy.run({ ...OPTIONS, out });
  equal(Object.keys(phases).length, 4);
  const runs = await readRuns(out);
  deepEqual(runs.map(({ record }) => record.name), [
    ...[1, 2, 3].map((seed) => `dpo-beta0.1-seed${seed}`),
    ...[1, 2, 3].map((seed) => `dpo-beta1-seed${seed}`),
    ...[1, 2, 3].map((seed) => `orpo-learningRate4-seed${seed}`),
    "reference",
    ...[1, 2, 3].map((seed) => `sft-seed${seed}`),
  ]);
  const { record, rows } = runs[4]!;
  deepEqual(rows.at(-1), { step: 5, gain: 10 + 1 + 2 + 0.2 });
  equal(record.kind, "experiment");
  equal(record.settings["experiment"], "toy");
  deepEqual(record.settings["run"], {
    ...{ loss: "dpo", option: "beta", value: 1, learningRate: 2, seed: 2 },
  });
  equal(record.settings["origin"], 10);
  equal(record.environment.device, "cpu");
});

Deno.test("its results do not depend on the workers that share it", async () => {
  using folder = temporaryFolder();
  const [one, three] = await Promise.all([1, 3].map(async (jobs) => {
    const out = join(folder.path, `${jobs}`);
    await toy.run({ ...OPTIONS, out, jobs });
    return await readRuns(out);
  }));
  deepEqual(differences(one, three), []);
});

Deno.test("it runs fewer settings for a look, and as many seeds as asked", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  await toy.run({ ...OPTIONS, out, quick: true, seeds: 1 });
  deepEqual(
    (await readRuns(out)).map(({ record }) => record.name),
    ["dpo-beta0.1-seed1", "dpo-beta1-seed1", "reference"],
  );
});

Deno.test("a run that fails is named, the others are kept", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  let ran: string[] = [];
  const failing = (failed: string | null) =>
    experiment({
      ...TOY,
      jobs: {
        ...TOY.jobs,
        createJobs: async (setup) => {
          const { jobs, release } = await TOY.jobs.createJobs(setup);
          const run: typeof jobs.run = async (input) => {
            const name = runName(input.point);
            ran.push(name);
            if (name === failed) throw new Error("no luck");
            return await jobs.run(input);
          };
          return { jobs: { ...jobs, run }, release };
        },
      },
    });
  await rejects(
    failing("dpo-beta1-seed2").run({ ...OPTIONS, out }),
    /Cannot finish dpo-beta1-seed2: no luck/,
  );
  equal(ran.length, 5);
  ran = [];
  await failing(null).run({ ...OPTIONS, out });
  equal(ran[0], "dpo-beta1-seed2");
  equal(ran.length, 12 - 4);
  equal((await readRuns(out)).length, 13);
});

Deno.test("summary and figure are made anew from the records", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  await toy.run({ ...OPTIONS, out });
  const names = [
    ...["summary.json", "figure.json", "figure.html"],
    ...["table.md", "table.tex", "table.csv"],
  ];
  const read = () =>
    names.map((name) => Deno.readTextFileSync(join(out, name)));
  const before = read();
  for (const name of names) Deno.removeSync(join(out, name));
  await toy.rebuild(out);
  deepEqual(read(), before);
  equal(JSON.parse(before[1]!).title, "4 settings");
});

Deno.test("a record is enough to repeat its run", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  await toy.run({ ...OPTIONS, out });
  for (const name of ["reference", "orpo-learningRate4-seed3"]) {
    const stored = await readRun(join(out, name));
    const { artifacts } = stored.record;
    const again = await toy.reproduce(stored.record, { watch });
    const record = { ...again.record, artifacts };
    deepEqual(differences(stored, { ...again, record }), []);
  }
  const { record } = await readRun(join(out, "reference"));
  await rejects(
    toy.reproduce({ ...record, name: "other" }, { watch }),
    /Cannot reproduce other: its record has no run/,
  );
});

Deno.test("tuning tries every rate for every method, and writes the best", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "tuning.json");
  const tuned = experiment({
    ...TOY,
    tuning: {
      settings: TOY_SETTINGS,
      seed: 0,
      learningRates: [5, 7, 9],
      measures: ["gain"],
      criterion: "distance from the goal",
      constants: { goal: 17 },
      regret: (ends, reference) => {
        equal(reference!.summary["weights"], sha256("10"));
        return Math.abs(17 - Math.max(...ends.map(({ gain }) => gain!)));
      },
      file: pathToFileURL(path),
    },
  });
  const table = await tuned.tune(OPTIONS);
  deepEqual(table, [
    { method: "dpo", "5e+0": 1, "7e+0": 1, "9e+0": 3, chosen: "5e+0" },
    { method: "sft", "5e+0": 2, "7e+0": 0, "9e+0": 2, chosen: "7e+0" },
    // Its value is the rate, which counts twice.
    { method: "orpo", "5e+0": 3, "7e+0": 7, "9e+0": 11, chosen: "5e+0" },
  ]);
  const written = JSON.parse(Deno.readTextFileSync(path));
  deepEqual(written.chosen, { dpo: 5, orpo: 5, sft: 7 });
  deepEqual(
    [written.criterion, written.seed, written.goal],
    ["distance from the goal", 0, 17],
  );
  equal(written.trials.length, 9);
  deepEqual(written.trials[0], {
    ...{ loss: "dpo", learningRate: 5, regret: 1 },
    ends: [{ value: 0.1, gain: 15.1 }, { value: 1, gain: 16 }],
  });
});

Deno.test("an experiment without rates of its own is not tuned", async () => {
  await rejects(toy.tune(OPTIONS), /Cannot tune toy/);
});
