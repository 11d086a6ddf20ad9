import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { FRONTIER } from "experiments/frontier/experiment.ts";
import type { ExperimentOptions } from "lib/experiment/definition.ts";
import type { Watch } from "lib/experiment/watch.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { readRun, readRuns } from "lib/experiment/records.ts";
import type { RecordedRun, RunRecord } from "lib/record/record.ts";
import { differences } from "lib/record/differences.ts";
import { TINY } from "../reviews/tiny_settings.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS: Omit<ExperimentOptions, "out" | "workers"> = {
  ...{ quick: false, draws: null, seeds: null, device: "cpu", watch },
};

/** The search for KTO's optimum, whose loss is not convex, takes seconds. */
const CONVEX = {
  ...TINY,
  methods: TINY.methods.map((method) =>
    method.loss === "kto" ? { ...method, loss: "ipo" } : method
  ),
};

const { rebuild, repeat, ...tiny } = experiment({
  ...FRONTIER,
  settings: { ...FRONTIER.settings, full: CONVEX, quick: CONVEX },
});

async function run(out: string, workers: number): Promise<string> {
  await tiny.run({ ...OPTIONS, out, workers });
  return out;
}

async function repeated(record: RunRecord): Promise<RecordedRun> {
  const [again] = await repeat([record], { workers: 1, watch });
  return again!;
}

/** Slow: models are taught several times, some seconds in all. */
Deno.test("the whole experiment, small", async (t) => {
  using folder = temporaryFolder();
  const out = await run(join(folder.path, "one"), 1);
  const runs = await readRuns(out);
  const trained = runs.filter(({ record }) => record.name.includes("seed"));

  await t.step("writes a record of each run and of each reference", () => {
    const names = ["dpo-beta1", "ipo-beta1", "orpo-ratio"].flatMap((method) =>
      [0, 1].flatMap((draw) =>
        [1, 2].map((seed) => `${method}-draw${draw}-seed${seed}`)
      )
    );
    deepEqual(trained.map(({ record }) => record.name), names);
    const beside = runs.filter((each) => !trained.includes(each));
    deepEqual(
      beside.map(({ record: { name } }) => name).filter((n) => n !== "exact"),
      ["reference-draw0", "reference-draw1"],
    );
    for (const { record, rows } of trained) {
      deepEqual(rows.map(({ step }) => step), [0, 2, 4]);
      equal(rows[0]!["kl"], 0);
      ok(rows[2]!["kl"]! > 0);
      equal(record.summary["goldReward"], rows[2]!["goldReward"]);
    }
  });

  await t.step("draws share no numbers, nor do seeds", () => {
    for (const measure of ["goldReward", "kl", "chosen"]) {
      const ends = trained.slice(0, 4).map(({ rows }) => rows[2]![measure]);
      equal(new Set(ends).size, 4, `${measure}: ${ends.join()}`);
    }
    const origins = trained.map(({ record: { model } }) => model.weights);
    equal(new Set(origins).size, 2);
  });

  await t.step(
    "goes on where it was stopped, in two processes, to the same numbers",
    async () => {
      const stopped = join(folder.path, "stopped");
      const stop = new AbortController();
      const stopping: Watch = ({ done = 0 }) => ({
        update: (now) => {
          if (now === done + 5) stop.abort(new Error("stop"));
        },
        finish: () => {},
      });
      const { signal } = stop;
      await rejects(
        tiny.run({
          ...OPTIONS,
          ...{ out: stopped, workers: 2, watch: stopping, signal },
        }),
        /stop/,
      );
      const part = join(folder.path, ".stopped.part");
      const kept = [...Deno.readDirSync(join(part, "kept"))];
      const names = kept.map(({ name }) => name);
      ok(names.includes("start-draw0"), names.join());
      const again = await readRuns(await run(stopped, 2));
      deepEqual(differences(runs, again), []);
      const titles: string[] = [];
      await tiny.run({
        ...{ ...OPTIONS, out: stopped, workers: 1 },
        watch: ({ title }) => {
          titles.push(title);
          return watch();
        },
      });
      deepEqual(titles, []);
    },
  );

  await t.step(
    "draws the same figure again from the records alone",
    async () => {
      const names = ["summary.json", "figure.json", "figure.html"];
      const read = () =>
        names.map((name) => Deno.readTextFileSync(join(out, name)));
      const before = read();
      for (const name of names) Deno.removeSync(join(out, name));
      await rebuild(out);
      deepEqual(read(), before);
    },
  );

  await t.step("is reproduced bit for bit", async () => {
    for (const name of ["reference-draw1", "ipo-beta1-draw1-seed2"]) {
      const stored = await readRun(join(out, name));
      const again = await repeated(stored.record);
      deepEqual(differences(stored.rows, again.rows), []);
      const ignored = { artifacts: stored.record.artifacts };
      deepEqual(
        differences(stored.record, { ...again.record, ...ignored }),
        [],
      );
    }
  });

  await t.step("with another seed gives other numbers", async () => {
    const { record, rows } = await readRun(join(out, "dpo-beta1-draw0-seed2"));
    const changed = structuredClone(record);
    Object.assign(changed.settings["run"]!, { seed: 3 });
    changed.name = "dpo-beta1-draw0-seed3";
    const again = await repeated(changed);
    const paths = differences(
      { record, rows },
      { record: again.record, rows: again.rows },
    ).map(({ path }) => path);
    ok(paths.includes("/record/seeds/run"), paths.join());
    ok(paths.includes("/rows/2/goldReward"), paths.join());
  });

  await t.step("refuses metrics that were changed by hand", async () => {
    const path = join(out, "dpo-beta1-draw0-seed1", "metrics.jsonl");
    Deno.writeTextFileSync(path, '{"step":9}\n', { append: true });
    await rejects(rebuild(out), /metrics.jsonl: it is not the file whose hash/);
  });
});
