import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { shownPath } from "../files/shown_path.ts";
import { isObject, reasonOf } from "../files/values.ts";
import type { Figure } from "../plot/figure.ts";
import { figureHtml } from "../plot/figure_page.ts";
import { type IndexEntry, indexHtml } from "../plot/index_page.ts";
import type { RunRecord } from "../record/record.ts";
import { readTrainingFigure } from "../run/figure.ts";
import type { Results } from "./find_results.ts";
import { listed, originOf } from "./origin.ts";
import { storedRuns } from "./stored_runs.ts";

/** File name of the page that lists the others. */
const INDEX = "index";

/** Progress of a report. */
export interface ReportHooks {
  /** Told of results that cannot be shown, which the others do not wait for. */
  onDefect(reason: string): void;
}

/**
 * Writes a page for each of some results, and a page that lists them, newest
 * first. The pages follow from the files of the results alone.
 *
 * @param out folder of the pages; others that are there stay.
 * @returns the number of results that the list has.
 */
export async function writeReport(
  all: readonly Results[],
  { out, onDefect }: ReportHooks & { out: string },
): Promise<number> {
  await Deno.mkdir(out, { recursive: true });
  const entries: IndexEntry[] = [];
  const names = pageNames(all.map(({ folder }) => folder));
  for (const [i, results] of all.entries()) {
    const page = `${names[i]}.html`;
    try {
      const figure = await figureOf(results);
      const stored = await storedRuns(results);
      const records = stored.map(({ record }) => record);
      const folder = shownPath(results.folder);
      const html = figureHtml(figure, {
        index: `${INDEX}.html`,
        origin: originOf(records, folder),
      });
      const entry = entryOf(records, { figure, folder, page });
      await writeTextAtomically(join(out, page), html);
      entries.push(entry);
    } catch (error) {
      onDefect(`${results.folder} has no page: ${reasonOf(error)}`);
    }
  }
  entries.sort((a, b) => b.date < a.date ? -1 : Number(b.date > a.date));
  await writeTextAtomically(join(out, `${INDEX}.html`), indexHtml(entries));
  return entries.length;
}

/** A name for the page of each folder, by its path: `results-frontier`. */
function pageNames(folders: readonly string[]): string[] {
  const taken = new Set([INDEX]);
  return folders.map((folder) => {
    const parts = shownPath(folder).split(/[/\\]/)
      .filter((part) => !/^\.*$/.test(part));
    const base = parts.join("-").replace(/[^\p{L}\d_.-]+/gu, "-") || "page";
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    taken.add(name);
    return name;
  });
}

/** The figure of results: of an experiment, the one that it stored. */
async function figureOf({ kind, folder }: Results): Promise<Figure> {
  if (kind === "run") return await readTrainingFigure(folder);
  return JSON.parse(await Deno.readTextFile(join(folder, "figure.json")));
}

function entryOf(
  records: readonly RunRecord[],
  { figure: { title, findings = [] }, ...place }:
    & { figure: Figure }
    & Pick<IndexEntry, "folder" | "page">,
): IndexEntry {
  const runs = records.filter(isRun);
  const starts = records.map(({ timings }) => timings.startedAt).sort();
  return {
    ...{ ...place, title },
    date: starts.at(-1)?.slice(0, 10) ?? "–",
    model: listed(runs.map(({ model }) => model.source))
      .replace(/^none$/, "no model"),
    data: listed(runs.flatMap(trainingSources)),
    runs: runs.length,
    findings,
  };
}

/** Whether a record is of a method, and not of what its runs start from. */
function isRun({ kind, settings }: RunRecord): boolean {
  const run = settings["run"];
  return kind === "train" || isObject(run) && "loss" in run;
}

function trainingSources({ data }: RunRecord): string[] {
  return data.flatMap(({ role, source }) => role === "train" ? [source] : []);
}
