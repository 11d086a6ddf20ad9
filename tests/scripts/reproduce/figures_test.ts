import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EXPERIMENTS } from "experiments/all.ts";
import type { Files } from "lib/experiment/result_files.ts";
import { writeResultFiles } from "lib/experiment/result_files.ts";
import { staleFigures } from "../../../scripts/reproduce/figures.ts";
import { checkout } from "../../places.ts";
import { writeSyntheticRuns } from "../../reviews/synthetic_runs.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { runScript } from "../run_script.ts";

const PUBLISHED = EXPERIMENTS.filter(({ name }) =>
  existsSync(checkout(`results/${name}/experiment.json`))
);

Deno.test("published figures, tables and READMEs follow from the records", async () => {
  strictEqual(PUBLISHED[0], EXPERIMENTS[0]);
  for (const experiment of PUBLISHED) {
    const folder = checkout(`results/${experiment.name}`);
    const options = { folder, checkout: checkout() };
    deepStrictEqual(await staleFigures(experiment, options), []);
  }
});

Deno.test("a README of the checkout is compared with the records, not with files that are wrong too", async () => {
  using root = temporaryFolder();
  const folder = join(root.path, "results/toy");
  Deno.mkdirSync(folder, { recursive: true });
  const tables = [{ caption: "C", columns: ["a"], rows: [["old"]] }];
  await writeResultFiles(folder, 1, {
    title: "T",
    text: [],
    panels: [],
    tables,
  });
  const readme = join(root.path, "README.md");
  const quote = (text: string) =>
    `# T\n\n<!-- results/toy/table.md: C -->\n\n| a   |\n| --- |\n| ${text} |\n\n<!-- end -->\n`;
  Deno.writeTextFileSync(readme, quote("old"));
  const right: Files = { "table.md": "**C**\n\n| a   |\n| --- |\n| new |\n" };
  const rows = await staleFigures(
    { files: () => Promise.resolve(right) },
    { folder, checkout: root.path },
  );
  deepStrictEqual(rows.map(({ file, place }) => ({ file, place })), [
    { file: join(folder, "table.md"), place: "line 5" },
    {
      file: "README.md",
      place: "line 3, which quotes results/toy/table.md: C",
    },
  ]);
});

Deno.test("reproduce --from-figures fails on one number, and names it", async () => {
  using root = temporaryFolder();
  const folder = join(root.path, "copy");
  await writeSyntheticRuns(folder);
  await EXPERIMENTS[0]!.rebuild(folder);
  const check = () => runScript("reproduce", [folder, "--from-figures"]);
  const same = await check();
  strictEqual(same.code, 0, same.err);
  const path = join(folder, "summary.json");
  const text = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, text.replace(/"kl": \d/, '"kl": 7'));
  const other = await check();
  strictEqual(other.code, 1);
  match(other.out, /summary\.json +\/.*\/kl +7/);
  match(other.out, /1 do not follow from the records\n$/);
});
