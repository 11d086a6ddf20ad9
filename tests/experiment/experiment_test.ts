import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { ExperimentOptions } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { runName } from "lib/experiment/grid.ts";
import { readRun, readRuns } from "lib/experiment/records.ts";
import type { Order } from "lib/experiment/site.ts";
import { differences } from "lib/record/differences.ts";
import { sha256 } from "lib/record/sha256.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { siteHere } from "./slurm/in_process.ts";
import { TOY, TOY_SETTINGS } from "./toy_experiment.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS: Omit<ExperimentOptions, "out"> = {
  ...{ quick: false, draws: null, seeds: null },
  ...{ device: "cpu", workers: 1, watch },
};

const toy = experiment(TOY);

/** The names of records of some methods, with two draws and two seeds. */
const namesOf = (...methods: readonly string[]) =>
  methods.flatMap((method) =>
    [0, 1].flatMap((draw) =>
      [1, 2].map((seed) => `${method}-draw${draw}-seed${seed}`)
    )
  );

Deno.test("an experiment writes a record of each point, each draw and exact numbers", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  const { phases, findings } = await toy.run({ ...OPTIONS, out });
  deepEqual(Object.keys(phases), ["jobs", "summary and figure"]);
  deepEqual(findings, []);
  const runs = await readRuns(out);
  deepEqual(runs.map(({ record }) => record.name), [
    ...namesOf("dpo-beta0.1", "dpo-beta1"),
    ...["exact", "reference-draw0", "reference-draw1"],
    ...namesOf("sft"),
  ]);
  const { record, rows } = runs[7]!;
  deepEqual(rows.at(-1), { step: 5, gain: 110 + 1 + 2 + 0.2 });
  equal(record.kind, "experiment");
  equal(record.settings["experiment"], "toy");
  deepEqual(record.settings["run"], {
    ...{ loss: "dpo", options: { beta: 1 }, learningRate: 2 },
    ...{ draw: 1, seed: 2, level: {} },
  });
  equal(record.settings["origin"], 10);
  equal(record.environment.device, "cpu");
});

Deno.test("its results do not depend on the workers that share it", async () => {
  using folder = temporaryFolder();
  const [one, three] = await Promise.all([1, 3].map(async (workers) => {
    const out = join(folder.path, `${workers}`);
    await toy.run({ ...OPTIONS, out, workers });
    return await readRuns(out);
  }));
  deepEqual(differences(one, three), []);
});

Deno.test("it runs fewer settings for a look, and the draws and seeds that are asked for", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  await toy.run({ ...OPTIONS, out, quick: true, draws: [4], seeds: [7] });
  deepEqual(
    (await readRuns(out)).map(({ record }) => record.name),
    ["dpo-beta0.1-draw4-seed7", "exact", "reference-draw4"],
  );
});

Deno.test("records beside the runs may be absent", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  const bare = experiment({
    ...TOY,
    jobs: {
      ...TOY.jobs,
      createJobs: async (setup) => {
        const { jobs, release } = await TOY.jobs.createJobs(setup);
        const none = () => Promise.resolve(null);
        return { jobs: { ...jobs, exact: none, reference: none }, release };
      },
    },
    summarize: ({ exact, references, ...rest }) => {
      deepEqual([exact, references.size], [null, 0]);
      return TOY.summarize({ exact, references, ...rest });
    },
  });
  await bare.run({ ...OPTIONS, out });
  deepEqual(
    (await readRuns(out)).map(({ record }) => record.name),
    namesOf("dpo-beta0.1", "dpo-beta1", "sft"),
  );
});

Deno.test("a record has the time of its job, or the one that the job tells", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  const told = { startedAt: "2025-01-31T12:00:00Z", seconds: 7, phases: {} };
  const slow = experiment({
    ...TOY,
    jobs: {
      ...TOY.jobs,
      createJobs: async (setup) => {
        const { jobs, release } = await TOY.jobs.createJobs(setup);
        const exact: typeof jobs.exact = async (input) => {
          await delay(30);
          return await jobs.exact(input);
        };
        const reference: typeof jobs.reference = async (input) => {
          const outcome = await jobs.reference(input);
          return outcome && { ...outcome, timings: told };
        };
        return { jobs: { ...jobs, exact, reference }, release };
      },
    },
  });
  await slow.run({ ...OPTIONS, out });
  const timingsOf = async (name: string) =>
    (await readRun(join(out, name))).record.timings;
  deepEqual(await timingsOf("reference-draw0"), told);
  ok((await timingsOf("exact")).seconds > 0.02);
});

Deno.test("a run that fails is named, and the others are done", async () => {
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
  const lost = "dpo-beta1-draw0-seed2";
  await rejects(
    failing(lost).run({ ...OPTIONS, out }),
    /Cannot finish dpo-beta1-draw0-seed2: no luck; 1 of the jobs is missing/,
  );
  equal(ran.length, 12);
  ran = [];
  await failing(null).run({ ...OPTIONS, out });
  deepEqual(ran, [lost]);
  equal((await readRuns(out)).length, 15);
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
  equal(JSON.parse(before[1]!).title, "3 settings");
  deepEqual(JSON.parse(before[0]!).findings, []);
});

Deno.test("a record is enough to repeat its run", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  await toy.run({ ...OPTIONS, out });
  for (const name of ["exact", "reference-draw1", "sft-draw1-seed2"]) {
    const stored = await readRun(join(out, name));
    const { artifacts } = stored.record;
    const [again] = await toy.repeat([stored.record], OPTIONS);
    const record = { ...again!.record, artifacts };
    deepEqual(differences(stored, { ...again!, record }), []);
  }
  const none = experiment({
    ...TOY,
    jobs: {
      ...TOY.jobs,
      createJobs: async (setup) => {
        const { jobs, release } = await TOY.jobs.createJobs(setup);
        const exact = () => Promise.resolve(null);
        return { jobs: { ...jobs, exact }, release };
      },
    },
  });
  const { record } = await readRun(join(out, "exact"));
  await rejects(
    none.repeat([record], OPTIONS),
    /Cannot reproduce exact: the experiment "toy" no longer has it/,
  );
});

Deno.test("tuning tries every rate for every method, and writes the best", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "tuning.json");
  const tuned = experiment({
    ...TOY,
    tuning: {
      settings: { ...TOY_SETTINGS, draws: [0] },
      learningRates: [5, 7, 9],
      measures: ["gain"],
      criterion: "distance from the goal",
      constants: { goal: 17 },
      regret: ({ gain }, { method, reference, exact }) => {
        equal(reference!.summary["weights"], sha256("10"));
        deepEqual(exact!.summary, { least: 10 });
        ok(TOY_SETTINGS.methods.some(({ loss }) => loss === method.loss));
        return Math.round(10 * Math.abs(17 - gain!));
      },
      file: pathToFileURL(path),
    },
  });
  // Gains are 10 and the rate, β and a tenth of the seed.
  deepEqual(await tuned.tune({ ...OPTIONS, trials: "" }), [
    row("dpo beta 0.1", { at5: 17.5, at7: 2.5, at9: 22.5, chosen: "7e+0" }),
    row("dpo beta 1", { at5: 8.5, at7: 11.5, at9: 31.5, chosen: "5e+0" }),
    row("sft", { at5: 18.5, at7: 1.5, at9: 21.5, chosen: "7e+0" }),
  ]);
  const written = JSON.parse(Deno.readTextFileSync(path));
  deepEqual(
    written.chosen,
    TOY_SETTINGS.methods.map((method, i) => ({
      ...method,
      learningRate: [7, 5, 7][i],
    })),
  );
  const { criterion, draws, seeds, goal, trials } = written;
  deepEqual(
    { criterion, draws, seeds, goal },
    {
      criterion: "distance from the goal",
      draws: [0],
      seeds: [1, 2],
      goal: 17,
    },
  );
  equal(trials.length, 9);
  // Elsewhere the same, and the records of trials do not stay.
  const orders: Order[] = [];
  const elsewhere = {
    ...{ ...OPTIONS, site: siteHere(orders) },
    trials: join(folder.path, "trials"),
  };
  await tuned.tune(elsewhere);
  deepEqual(JSON.parse(Deno.readTextFileSync(path)), written);
  // Models and exact numbers stand beside all rates.
  deepEqual(orders.map(({ missing }) => missing.length), [8, 6, 6]);
  deepEqual([...Deno.readDirSync(folder.path)].length, 1);
  deepEqual(trials[2], {
    ...{ loss: "sft", options: {}, learningRate: 5, regret: 18.5 },
    ends: [{ gain: 15.1 }, { gain: 15.2 }],
  });
});

function row(
  method: string,
  { at5, at7, at9, chosen }: {
    at5: number;
    at7: number;
    at9: number;
    chosen: string;
  },
) {
  return { method, "5e+0": at5, "7e+0": at7, "9e+0": at9, chosen };
}

Deno.test("an experiment without rates of its own is not tuned", async () => {
  await rejects(toy.tune({ ...OPTIONS, trials: "" }), /Cannot tune toy/);
});

Deno.test("an experiment runs only the losses asked for, as among all", async () => {
  using folder = temporaryFolder();
  const [some, all] = ["some", "all"].map((name) => join(folder.path, name));
  await toy.run({ ...OPTIONS, out: some!, losses: ["sft"] });
  await toy.run({ ...OPTIONS, out: all! });
  const runs = await readRuns(some!);
  const names = runs.map(({ record }) => record.name);
  deepEqual(
    names.filter((name) => !/^(exact|reference-)/.test(name)),
    namesOf("sft"),
  );
  const rowsOf = (of: typeof runs) =>
    of.map(({ record: { name }, rows }) => ({ name, rows }));
  const same = (await readRuns(all!)).filter(({ record: { name } }) =>
    names.includes(name)
  );
  deepEqual(rowsOf(runs), rowsOf(same));
  const other = { ...OPTIONS, out: join(folder.path, "other") };
  await rejects(toy.run({ ...other, losses: ["sft", "kto"] }), {
    name: "RangeError",
    message:
      'Cannot run only sft, kto: "kto" is not in the settings, expected some of dpo, sft',
  });
});
