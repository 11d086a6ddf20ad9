import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ExperimentOptions } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { runName } from "lib/experiment/grid.ts";
import { readRuns } from "lib/experiment/records.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import * as crashing from "./crashing_jobs.ts";
import { TOY, TOY_SETTINGS, type ToySettings } from "./toy_experiment.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS: Omit<ExperimentOptions, "out"> = {
  ...{ quick: false, draws: null, seeds: null, replace: true },
  ...{ device: "cpu", workers: 1, watch },
};

/** Runs the toy experiment in a folder, and names the runs that it made. */
function toyIn(folder: string) {
  return async (
    { settings, definition, ...options }: Partial<ExperimentOptions> & {
      settings?: Partial<ToySettings>;
      definition?: Partial<typeof TOY>;
    } = {},
  ): Promise<string[]> => {
    const made: string[] = [];
    const toy = { ...TOY, ...definition };
    const full = { ...TOY_SETTINGS, ...settings };
    await experiment({
      ...toy,
      settings: { ...TOY.settings, full },
      jobs: { ...toy.jobs, createJobs: counting(toy.jobs.createJobs, made) },
    }).run({ ...OPTIONS, out: join(folder, "toy"), ...options });
    return made.sort();
  };
}

type Create = typeof TOY["jobs"]["createJobs"];

function counting(createJobs: Create, made: string[]): Create {
  return async (setup) => {
    const { jobs, release } = await createJobs(setup);
    const run: typeof jobs.run = (input) => {
      made.push(runName(input.point));
      return jobs.run(input);
    };
    return { jobs: { ...jobs, run }, release };
  };
}

const METHODS = ["dpo-beta0.1", "dpo-beta1", "sft"];
const ALL = METHODS.flatMap((method) =>
  ["draw0-seed1", "draw0-seed2", "draw1-seed1", "draw1-seed2"].map((run) =>
    `${method}-${run}`
  )
);

Deno.test("a larger grid keeps the runs of a smaller one, a smaller one makes none", async () => {
  using folder = temporaryFolder();
  const run = toyIn(folder.path);
  deepEqual(await run(), ALL);
  deepEqual(
    await run({ seeds: [1, 2, 3] }),
    METHODS.flatMap((name) =>
      [0, 1].map((draw) => `${name}-draw${draw}-seed3`)
    ),
  );
  deepEqual(
    await run({ seeds: [1, 2, 3], draws: [1, 2] }),
    METHODS.flatMap((name) =>
      [1, 2, 3].map((seed) => `${name}-draw2-seed${seed}`)
    ),
  );
  deepEqual(await run({ seeds: [3], draws: [2] }), []);
  equal((await readRuns(join(folder.path, "toy"))).length, 3 + 2);
});

Deno.test("a rate that changes makes the runs of its method anew", async () => {
  using folder = temporaryFolder();
  const run = toyIn(folder.path);
  await run();
  const methods = TOY_SETTINGS.methods.map((method) =>
    method.loss === "sft" ? { ...method, learningRate: 9 } : method
  );
  deepEqual(await run({ settings: { methods } }), ALL.slice(8));
  const stored = await readRuns(join(folder.path, "toy"));
  const gains = stored.filter(({ record: { name } }) => name.startsWith("sft"))
    .map(({ rows }) => rows.at(-1)!["gain"]!.toFixed(1));
  deepEqual(gains, ["19.1", "19.2", "119.1", "119.2"]);
});

Deno.test("another world makes all runs anew, another figure none", async () => {
  using folder = temporaryFolder();
  const run = toyIn(folder.path);
  await run();
  const figure: typeof TOY.figure = () => ({
    ...{ title: "Other", text: [], panels: [], tables: [] },
  });
  deepEqual(await run({ definition: { figure } }), []);
  const path = join(folder.path, "toy", "figure.json");
  equal(JSON.parse(Deno.readTextFileSync(path)).title, "Other");
  deepEqual(await run({ settings: { origin: 11 } }), ALL);
});

Deno.test("other code of the jobs makes all runs anew", async () => {
  using folder = temporaryFolder();
  const run = toyIn(folder.path);
  const path = join(folder.path, "jobs.ts");
  const url = pathToFileURL(path).href;
  const definition = { jobs: { ...TOY.jobs, url } };
  Deno.writeTextFileSync(path, "export const version = 1;");
  deepEqual(await run({ definition }), ALL);
  deepEqual(await run({ definition }), []);
  Deno.writeTextFileSync(path, "export const version = 2;");
  deepEqual(await run({ definition }), ALL);
});

Deno.test("a run whose process ends each time is lost alone, and made by the next command", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "toy");
  const toy = { ...TOY, jobs: crashing };
  const options = { ...OPTIONS, out, workers: 2 };
  const [lost] = ALL;
  Deno.env.set(crashing.CRASHING, lost!);
  try {
    await rejects(
      experiment(toy).run(options),
      /Cannot finish dpo-beta0\.1-draw0-seed1: .* ended with status 9, .*; 1 of the jobs is missing/,
    );
  } finally {
    Deno.env.delete(crashing.CRASHING);
  }
  const kept = await readRuns(join(folder.path, ".toy.part"));
  const names = kept.map(({ record }) => record.name);
  deepEqual(
    names.filter((name) => name.includes("seed")).sort(),
    ALL.slice(1),
  );
  deepEqual(
    await toyIn(folder.path)({ definition: { jobs: crashing } }),
    [lost],
  );
});
