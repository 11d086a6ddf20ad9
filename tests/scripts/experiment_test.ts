import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { writeRun } from "lib/experiment/records.ts";
import { checkout } from "../places.ts";
import {
  syntheticRuns,
  writeSyntheticRuns,
} from "../reviews/synthetic_runs.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runInTurn } from "./run_in_turn.ts";

const figure = (results: string) =>
  runInTurn("figure", ["frontier", "--results", results]);

Deno.test("experiment lists what there is", async () => {
  const { code, out } = await runInTurn("experiment", ["--list"]);
  match(out, /^frontier +How near /m);
  equal(code, 0);
});

Deno.test("experiment refuses what there is not", async () => {
  const { code, err } = await runInTurn("experiment", ["frontie"]);
  match(err, /^error: Unknown experiment "frontie"; expected one of frontier/);
  equal(code, 1);
});

Deno.test("experiment refuses a folder of other files before it computes", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(join(folder.path, "thesis.tex"), "");
  const args = ["--quick", "--out", folder.path];
  const { code, err } = await runInTurn("experiment", args);
  match(err, /^error: Cannot write results to .*: it holds thesis.tex/);
  equal(code, 1);
});

Deno.test("experiment prints the script of an array, and writes nothing", async () => {
  using folder = temporaryFolder();
  const args = ["micro", "--quick", "--draws", "2", "--on", "slurm"];
  const { code, out, err } = await runInTurn("experiment", [
    ...[...args, "--slurm=--partition=gpu --time=1:00:00", "--jobs", "3"],
    ...["--dry-run", "--out", join(folder.path, "micro")],
  ]);
  equal(code, 0, err);
  // A run of each of 3 losses and a reference a draw, and exact numbers.
  match(out, /^#SBATCH --array=0-8%3$/m);
  match(out, /^#SBATCH --partition=gpu --time=1:00:00$/m);
  match(out, /^exec .*deno run -A .*slurm_task\.ts .*\.json --task "\$SLURM/m);
  deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("experiment leaves the published results as they are", async () => {
  const results = checkout("results");
  const names = () => [...Deno.readDirSync(results)].map(({ name }) => name);
  const before = names();
  const args = ["--quick", "--out", join(results, "frontier")];
  const { code, err } = await runInTurn("experiment", args);
  match(
    err,
    /it holds finished results, but .+; give another --out, or --replace\n$/,
  );
  equal(code, 1);
  deepEqual(names(), before);
});

Deno.test("figure draws from records alone, the same again", async () => {
  using folder = temporaryFolder();
  const results = join(folder.path, "frontier");
  await writeSyntheticRuns(results);
  const file = join(results, "figure.html");
  const pages: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { code, out } = await figure(folder.path);
    equal(code, 0);
    equal(out, `Wrote ${file}\n`);
    pages.push(Deno.readTextFileSync(file));
    Deno.removeSync(file);
  }
  equal(pages[0], pages[1]);
  ok(pages[0]!.includes("dpo β 1"));
});

Deno.test("figure says where there are no records", async () => {
  using folder = temporaryFolder();
  const { code, err } = await figure(folder.path);
  match(err, /^error: .*frontier/);
  ok(!err.includes("    at "));
  equal(code, 1);
});

Deno.test("figure without a name draws the experiments that have results", async () => {
  using folder = temporaryFolder();
  const figures = () => runInTurn("figure", ["--results", folder.path]);
  const none = await figures();
  match(
    none.err,
    /^error: Cannot draw ".*": no experiment has results there\n$/,
  );
  equal(none.code, 1);
  const results = join(folder.path, "frontier");
  await writeSyntheticRuns(results);
  const { code, out } = await figures();
  equal(out, `Wrote ${join(results, "figure.html")}\n`);
  equal(code, 0);
});

Deno.test("reproduce says which kinds of records it knows", async () => {
  using folder = temporaryFolder();
  const [stored] = syntheticRuns();
  const record = { ...stored!.record, kind: "poem" };
  await writeRun(folder.path, { ...stored!, record });
  const path = join(folder.path, record.name);
  const { code, err } = await runInTurn("reproduce", [path]);
  match(err, /its kind is "poem", expected .*experiment/);
  equal(code, 1);
});
