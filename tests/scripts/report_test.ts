import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { copyRun } from "../report/stored_results.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runInTurn } from "./run_in_turn.ts";

Deno.test("report writes pages to --out alone, and fails where one is missing", async () => {
  using t = temporaryFolder();
  const report = (...args: string[]) =>
    runInTurn("report", args, { cwd: t.path });
  await copyRun("results/smollm2-dpo", join(t.path, "results/run"));
  const { code, out } = await report();
  strictEqual(code, 0);
  strictEqual(
    out,
    "Wrote results/local/report/index.html and 1 page beside it\n",
  );
  const pages = [...Deno.readDirSync(join(t.path, "results/local/report"))];
  deepStrictEqual(pages.map(({ name }) => name).sort(), [
    ...["index.html", "results-run.html"],
  ]);
  await Deno.mkdir(join(t.path, "other/run"), { recursive: true });
  const empty = await report("other");
  strictEqual(empty.code, 1);
  match(
    empty.err,
    /^error: Cannot report on other: found no results, expected/,
  );
  await Deno.writeTextFile(join(t.path, "other/run/run.json"), "{}");
  const broken = await report("other", "results", "--out", "pages");
  strictEqual(broken.code, 1);
  match(
    broken.err,
    /^warning: other\/run has no page: .*\nerror: Cannot show all of 2 results\n$/,
  );
  match(broken.out, /^Wrote pages\/index\.html/);
});
