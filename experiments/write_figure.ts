import { join } from "node:path";
import { writeTextAtomically } from "lib/atomic_file.ts";
import { type Figure, figureHtml } from "lib/plot.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";

/** Writes a figure to a folder, as data and as a page. */
export async function writeFigure(
  folder: string,
  figure: Figure,
): Promise<void> {
  const json = `${canonicalJson(figure)}\n`;
  await writeTextAtomically(join(folder, "figure.json"), json);
  await writeTextAtomically(join(folder, "figure.html"), figureHtml(figure));
}
