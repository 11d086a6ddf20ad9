import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import {
  resultFiles,
  staleFiles,
  writeResultFiles,
} from "lib/experiment/result_files.ts";
import type { Figure } from "lib/plot/figure.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const SUMMARY = { settings: [{ reward: 0.5 }, { reward: 0.25 }] };
const FIGURE: Figure = {
  ...{ title: "T", text: [], panels: [] },
  tables: [{ caption: "C", columns: ["a", "b"], rows: [["x", 0.5]] }],
};

Deno.test("files of results are written as they are checked, with a page", async () => {
  using folder = temporaryFolder();
  await writeResultFiles(folder.path, SUMMARY, FIGURE);
  const files = resultFiles(SUMMARY, FIGURE);
  deepEqual(await staleFiles(folder.path, files), []);
  const names = Array.from(Deno.readDirSync(folder.path), ({ name }) => name);
  deepEqual(names.sort(), ["figure.html", ...Object.keys(files)].sort());
});

Deno.test("tables of results begin with the claims, which the figure need not repeat", () => {
  const finding = {
    ...{ claim: "X gains.", source: "Paper", reported: "", found: "0.2" },
    ...{ verdict: "shown" as const, why: "It does." },
  };
  const files = resultFiles(SUMMARY, { ...FIGURE, findings: [finding] });
  const captions = files["table.md"]!.match(/(?<=^\*\*).*(?=\*\*$)/gm);
  deepEqual(captions, ["Claims and verdicts", "C"]);
});

Deno.test("a stale file is named with the first place and what should be there", async () => {
  using folder = temporaryFolder();
  await writeResultFiles(folder.path, SUMMARY, FIGURE);
  const files = resultFiles(SUMMARY, FIGURE);
  const change = (name: string, from: string, to: string) =>
    Deno.writeTextFileSync(
      join(folder.path, name),
      files[name]!.replace(from, to),
    );
  change("summary.json", "0.25", "0.26");
  change("table.md", "| x", "| y");
  change("figure.json", "{", "");
  change("table.csv", files["table.csv"]!, `${files["table.csv"]}more\n`);
  Deno.removeSync(join(folder.path, "table.tex"));
  const stale = await staleFiles(folder.path, files);
  const byFile = new Map(stale.map(({ file, ...rest }) => [file, rest]));
  deepEqual(byFile.get("summary.json"), {
    ...{ place: "/settings/1/reward", found: "0.26", expected: "0.25" },
  });
  deepEqual(byFile.get("table.md"), {
    place: "line 5",
    found: "| y | 0.5 |",
    expected: "| x | 0.5 |",
  });
  deepEqual(byFile.get("figure.json")?.place, "the file");
  deepEqual(byFile.get("table.csv"), {
    ...{ place: "line 4", found: "more", expected: "" },
  });
  deepEqual(byFile.get("table.tex"), {
    ...{ place: "the file", found: "nothing", expected: "one" },
  });
});
