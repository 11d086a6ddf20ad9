import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import type { Figure } from "../plot/figure.ts";
import { figureHtml } from "../plot/figure_page.ts";
import { TABLE_FILES } from "../plot/tables.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import { findingsTable } from "./findings.ts";

/** Texts of files by their names. */
export type Files = Readonly<Record<string, string>>;

/** The page of a figure, which is made anew and not published. */
const PAGE = "figure.html";

/**
 * Files of results that follow from the records, except for the page. The
 * tables begin with the claims, which stand on the page above the plots.
 */
export function resultFiles(summary: unknown, figure: Figure): Files {
  const { findings = [] } = figure;
  const all = [
    ...findings.length > 0 ? [findingsTable(findings)] : [],
    ...figure.tables,
  ];
  const tables = Object.entries(TABLE_FILES)
    .map(([name, text]) => [name, text(all)]);
  return {
    "summary.json": `${canonicalJson(summary, { indent: 1 })}\n`,
    "figure.json": `${canonicalJson(figure)}\n`,
    ...Object.fromEntries(tables),
  };
}

/** Writes the files that follow from the records, and the page. */
export async function writeResultFiles(
  folder: string,
  summary: unknown,
  figure: Figure,
): Promise<void> {
  const files = resultFiles(summary, figure);
  await writeFiles(folder, { ...files, [PAGE]: figureHtml(figure) });
}

/** Writes files to a folder, each at once. */
export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await writeTextAtomically(join(folder, name), text);
  }
}

/** A place of a file that is not what the records give. */
export interface StaleFile {
  readonly file: string;
  /** JSON pointer, or a line; the whole file where it is missing. */
  readonly place: string;
  readonly found: string;
  readonly expected: string;
}

/** The first place of each file in a folder that is not what it should be. */
export async function staleFiles(
  folder: string,
  files: Files,
): Promise<StaleFile[]> {
  const stale: StaleFile[] = [];
  for (const [file, expected] of Object.entries(files)) {
    const found = await orNull(Deno.readTextFile(join(folder, file)));
    if (found === expected) continue;
    const first = found === null
      ? { place: "the file", found: "nothing", expected: "one" }
      : firstDifference(found, expected, file.endsWith(".json"));
    stale.push({ file, ...first });
  }
  return stale;
}

function firstDifference(
  found: string,
  expected: string,
  isJson: boolean,
): Omit<StaleFile, "file"> {
  const [first] = isJson
    ? differences(parsed(found), parsed(expected), { ignore: [] })
    : [];
  if (first) {
    const { path, before, after } = first;
    const [is, should] = [before, after].map((value) =>
      JSON.stringify(value) ?? "nothing"
    );
    return { place: path || "the file", found: is!, expected: should! };
  }
  const [is, should] = [found, expected].map((text) => text.split("\n"));
  const at = should!.findIndex((line, i) => line !== is![i]);
  const line = at < 0 ? should!.length : at;
  return {
    place: `line ${line + 1}`,
    found: is![line] ?? "nothing",
    expected: should![line] ?? "nothing",
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
