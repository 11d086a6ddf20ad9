import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { findResults } from "lib/report/find_results.ts";
import {
  CSV,
  JSON_LINES,
  writeMeasurements,
} from "lib/report/measurement_table.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { checkout, fixture } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { copyRun, putExperiment } from "./stored_results.ts";

/** Both forms of the table of a training run and an experiment. */
async function tables() {
  const folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  await copyRun("results/smollm2-dpo", place("results/a"));
  await putExperiment(place("results/b"), "results/taught");
  const all = await findResults([place("results")]);
  const defects: string[] = [];
  const onDefect = (reason: string) => defects.push(reason);
  const [csv, jsonl] = [place("all.csv"), place("all.jsonl")];
  await writeMeasurements(all, { path: csv, form: CSV, onDefect });
  await writeMeasurements(all, { path: jsonl, form: JSON_LINES, onDefect });
  const dispose = () => folder[Symbol.dispose]();
  return { place, csv, jsonl, all, defects, [Symbol.dispose]: dispose };
}

const lines = (path: string) =>
  Deno.readTextFileSync(path).trimEnd().split("\n");

Deno.test("the long table has every measure of every step, in both forms", async () => {
  using t = await tables();
  deepStrictEqual(t.defects, []);
  const rows = lines(t.jsonl).map((line) => JSON.parse(line));
  const metrics = [
    "results/a",
    ...[...Deno.readDirSync(t.place("results/b"))]
      .flatMap(({ name, isDirectory }) =>
        isDirectory ? [`results/b/${name}`] : []
      ),
  ].flatMap((run) => readMetrics(t.place(`${run}/metrics.jsonl`)));
  const count = metrics.map((row) => Object.keys(row).length - 1);
  strictEqual(rows.length, count.reduce((sum, n) => sum + n));
  const { folder: _, ...first } = rows[0];
  deepStrictEqual(first, {
    ...{ experiment: null, run: "dpo-seed0", loss: "dpo" },
    ...{ setting: first.setting, "learning_rate": 1e-4, draw: null, seed: 0 },
    ...{ step: 1, measure: "epoch", value: 0.020100502512562814 },
  });
  match(first.setting, /^beta=0\.1 /);
  const run = rows.filter(({ run }) => run === "dpo-beta1-start1-draw0-seed0");
  deepStrictEqual(
    new Set(run.map(({ setting, draw }) => `${setting} ${draw}`)),
    new Set(["beta=1 start=1 0"]),
  );
  const fields = (row: object) =>
    Object.values(row).map((value) => `${value ?? ""}`).join(",");
  deepStrictEqual(lines(t.csv), [
    Object.keys(rows[0]).join(","),
    ...rows.map(fields),
  ]);
});

Deno.test("the long table tells of runs that it lacks", async () => {
  using t = await tables();
  await Deno.remove(t.place("results/a/metrics.jsonl"));
  const defects: string[] = [];
  await writeMeasurements(t.all, {
    ...{ path: t.csv, form: CSV },
    onDefect: (reason) => defects.push(reason),
  });
  strictEqual(defects.length, 1);
  match(defects[0]!, /all\.csv lacks runs of .*results\/a: /);
  match(lines(t.csv)[1]!, /results\/b,taught,/);
});

peerTest("pandas reads the long table in one line", async () => {
  using t = await tables();
  const printed = await runPeer(fixture("read_measurements.py"), {
    args: [t.csv, t.jsonl],
  });
  const rows = lines(t.jsonl).length;
  deepStrictEqual(JSON.parse(printed), {
    ...{ csv: rows, jsonl: rows, equal: true },
    loss: readMetrics(checkout("results/smollm2-dpo/metrics.jsonl"))
      .at(-1)!["loss"],
  });
});
