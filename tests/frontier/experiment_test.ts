import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { FRONTIER } from "experiments/frontier/experiment.ts";
import type { Watch } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { readRun, readRuns } from "lib/experiment/records.ts";
import { differences } from "lib/record/differences.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { TINY } from "./tiny_settings.ts";

const watch = () => ({ update: () => {}, finish: () => {} });

const { rebuild, reproduce, ...tiny } = experiment({
  ...FRONTIER,
  settings: { ...FRONTIER.settings, full: TINY, quick: TINY },
});

async function run(out: string, jobs: number): Promise<string> {
  const settings = { quick: false, seeds: null } as const;
  await tiny.run({ ...settings, out, jobs, device: "cpu", watch });
  return out;
}

/** Slow: four times a model is taught, some seconds in all. */
Deno.test("the whole experiment, small", async (t) => {
  using folder = temporaryFolder();
  const out = await run(join(folder.path, "one"), 1);
  const runs = await readRuns(out);

  await t.step("writes a record of each run and of the reference", () => {
    deepEqual(runs.map(({ record }) => record.name), [
      "dpo-beta1-seed1",
      "dpo-beta1-seed2",
      "kto-beta1-seed1",
      "kto-beta1-seed2",
      "orpo-ratio-learningRate0.0008-seed1",
      "orpo-ratio-learningRate0.0008-seed2",
      "reference",
    ]);
    for (const { record, rows } of runs.slice(0, -1)) {
      deepEqual(rows.map(({ step }) => step), [0, 2, 4]);
      equal(rows[0]!["kl"], 0);
      ok(rows[2]!["kl"]! > 0);
      equal(record.summary["goldReward"], rows[2]!["goldReward"]);
    }
  });

  await t.step("gives the same numbers in two processes", async () => {
    const two = await readRuns(await run(join(folder.path, "two"), 2));
    deepEqual(differences(runs, two), []);
  });

  await t.step(
    "goes on where it was stopped, to the same numbers",
    async () => {
      const stopped = join(folder.path, "stopped");
      const stop = new AbortController();
      const options = { quick: false, seeds: null, device: "cpu" } as const;
      const stopping: Watch = ({ title, done = 0 }) => ({
        update: (now) => {
          if (title === "runs" && now === done + 2) {
            stop.abort(
              new Error("stop"),
            );
          }
        },
        finish: () => {},
      });
      const { signal } = stop;
      await rejects(
        tiny.run({
          ...options,
          out: stopped,
          jobs: 2,
          watch: stopping,
          signal,
        }),
        /stop/,
      );
      const part = join(folder.path, ".stopped.part");
      const kept = [...Deno.readDirSync(part)].map(({ name }) => name);
      ok(kept.includes("reference"), kept.join());
      deepEqual(
        [...Deno.readDirSync(join(part, "kept"))].map(({ name }) => name)
          .sort(),
        ["seed1", "seed2", "shared"],
      );
      const again = await readRuns(await run(stopped, 1));
      deepEqual(differences(runs, again), []);
      const titles: string[] = [];
      await tiny.run({
        ...{ ...options, out: stopped, jobs: 1 },
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
    for (const name of ["reference", "kto-beta1-seed2"]) {
      const stored = await readRun(join(out, name));
      const again = await reproduce(stored.record, { watch });
      deepEqual(differences(stored.rows, again.rows), []);
      const ignored = { artifacts: stored.record.artifacts };
      deepEqual(
        differences(stored.record, { ...again.record, ...ignored }),
        [],
      );
    }
  });

  await t.step("with another seed gives other numbers", async () => {
    const { record, rows } = await readRun(join(out, "dpo-beta1-seed2"));
    const changed = structuredClone(record);
    Object.assign(changed.settings["run"]!, { seed: 3 });
    const again = await reproduce(changed, { watch });
    const paths = differences(
      { record, rows },
      { record: again.record, rows: again.rows },
    ).map(({ path }) => path);
    ok(paths.includes("/record/seeds/run"), paths.join());
    ok(paths.includes("/rows/2/goldReward"), paths.join());
  });

  await t.step("refuses metrics that were changed by hand", async () => {
    const path = join(out, "dpo-beta1-seed1", "metrics.jsonl");
    Deno.writeTextFileSync(path, '{"step":9}\n', { append: true });
    await rejects(rebuild(out), /metrics.jsonl: it is not the file whose hash/);
  });
});
