import { join } from "node:path";
import { writeAtomically } from "lib/atomic_file.ts";
import { figureHtml } from "lib/plot.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { frontierFigure } from "./figure.ts";
import { readRuns } from "./records.ts";
import { summarize } from "./summary.ts";

/** Writes `summary.json`, `figure.json` and `figure.html` from the records. */
export async function rebuild(folder: string): Promise<void> {
  const summary = summarize(await readRuns(folder));
  const figure = frontierFigure(summary);
  const texts = {
    "summary.json": `${canonicalJson(summary, { indent: 1 })}\n`,
    "figure.json": `${canonicalJson(figure)}\n`,
    "figure.html": figureHtml(figure),
  };
  for (const [name, text] of Object.entries(texts)) {
    await writeAtomically(
      join(folder, name),
      (temporary) => Deno.writeTextFile(temporary, text),
    );
  }
}
