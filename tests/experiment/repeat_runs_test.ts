import { deepEqual, equal, rejects } from "node:assert/strict";
import type {
  ExperimentDefinition,
  ExperimentJobs,
  JobSetup,
} from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { GRID } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import { readRuns } from "lib/experiment/records.ts";
import { compareRuns } from "lib/record/compare_runs.ts";
import * as v from "valibot";
import { temporaryFolder } from "../temporary_folder.ts";

const SCHEMA = v.strictObject({ ...GRID, origin: v.number() });
type Settings = v.InferOutput<typeof SCHEMA>;

const FULL: Settings = {
  methods: [
    { loss: "dpo", options: { beta: 1 }, learningRate: 1 },
    { loss: "sft", options: {}, learningRate: 2 },
  ],
  draws: [0, 1],
  seeds: [1, 2],
  levels: [{}],
  origin: 10,
};

/** The jobs that ran, in their order. */
let ran: string[] = [];

const { url } = import.meta;
export function createJobs(
  { settings: { origin } }: JobSetup<Settings>,
): Promise<JobTable<ExperimentJobs<number, number>>> {
  const done = <T>(name: string, value: T) => {
    ran.push(name);
    return Promise.resolve(value);
  };
  const outcome = (sum: number) => ({
    rows: [{ step: 1, sum }],
    summary: { sum },
  });
  return Promise.resolve({
    jobs: {
      start: (draw) => done(`start ${draw}`, origin + draw),
      exact: () => done("exact", outcome(origin)),
      reference: ({ draw, start }) => done(`reference ${draw}`, outcome(start)),
      prepare: ({ draw, seed, start }) =>
        done(`data ${draw} ${seed}`, start + seed / 10),
      run: ({ point: { loss, draw, seed, learningRate }, data }) =>
        done(`${loss} ${draw} ${seed}`, outcome(data * learningRate)),
    },
    release: () => Promise.resolve(),
  });
}

const SUMS: ExperimentDefinition<Settings, number, number, { runs: number }> = {
  ...{ name: "sums", question: "What is the sum?", claims: [] },
  settings: { schema: SCHEMA, full: FULL, quick: FULL },
  jobs: { url, createJobs },
  summarize: () => ({ runs: 8 }),
  figure: () => ({ title: "T", text: [], panels: [], tables: [] }),
};
const sums = experiment(SUMS);

const watch = () => ({ update: () => {}, finish: () => {} });
const EXECUTION = { workers: 1, watch };

async function stored() {
  using folder = temporaryFolder();
  await sums.run({
    ...{ ...EXECUTION, out: `${folder.path}/sums`, device: "cpu" },
    ...{ quick: false, draws: null, seeds: null },
  });
  return await readRuns(`${folder.path}/sums`);
}

Deno.test("all records are repeated with what they share made once", async () => {
  const runs = await stored();
  equal(runs.length, 1 + 2 + 8);
  const all = ran;
  ran = [];
  const again = await sums.repeat(runs.map(({ record }) => record), EXECUTION);
  deepEqual(ran.sort(), all.sort());
  equal(new Set(ran).size, ran.length);
  for (const [i, run] of runs.entries()) {
    equal(compareRuns(run, again[i]!).verdict, "identical", run.record.name);
  }
});

Deno.test("some records are repeated alone, in their order", async () => {
  const records = (await stored()).map(({ record }) => record);
  const wanted = ["sft-draw1-seed2", "dpo-beta1-draw0-seed1", "exact"];
  const some = wanted.map((wanted) =>
    records.find(({ name }) => name === wanted)!
  );
  ran = [];
  const again = await sums.repeat(some, EXECUTION);
  deepEqual(again.map(({ record: { name } }) => name), wanted);
  deepEqual(ran.sort(), [
    ...["data 0 1", "data 1 2", "dpo 0 1", "exact"],
    ...["sft 1 2", "start 0", "start 1"],
  ]);
});

Deno.test("records that do not belong together are not repeated", async () => {
  const records = (await stored()).map(({ record }) => record);
  const exact = records.find(({ name }) => name === "exact")!;
  const others = records.filter((record) => record !== exact);
  const settings = { ...exact.settings, origin: 11 };
  await rejects(
    sums.repeat([{ ...exact, settings }, ...others], EXECUTION),
    /Cannot reproduce records of different settings: origin is 11 and 10/,
  );
  await rejects(
    sums.repeat([{ ...exact, name: "other" }], EXECUTION),
    /Cannot reproduce other: its settings are those of exact/,
  );
});

Deno.test("a repetition ends at a signal", async () => {
  const records = (await stored()).map(({ record }) => record);
  const stop = new AbortController();
  const show = () => ({
    update: () => stop.abort(new Error("enough")),
    finish: () => {},
  });
  ran = [];
  await rejects(
    sums.repeat(records, { workers: 1, watch: show, signal: stop.signal }),
    /^Error: enough$/,
  );
  equal(ran.length, 1);
});
