import { join } from "node:path";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { writeFigure } from "lib/plot/figure_page.ts";
import { frontierFigure } from "./figure.ts";
import { readRuns } from "./records.ts";
import { summarize } from "./summary.ts";

/** Writes `summary.json`, `figure.json` and `figure.html` from the records. */
export async function rebuild(folder: string): Promise<void> {
  const summary = summarize(await readRuns(folder));
  const json = `${canonicalJson(summary, { indent: 1 })}\n`;
  await writeTextAtomically(join(folder, "summary.json"), json);
  await writeFigure(folder, frontierFigure(summary));
}
