import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { type Figure, figureHtml } from "./figure.ts";
import { canonicalJson } from "../record/canonical_json.ts";

/** Writes a figure to a folder, as data and as a page. */
export async function writeFigure(
  folder: string,
  figure: Figure,
): Promise<void> {
  const json = `${canonicalJson(figure)}\n`;
  await writeTextAtomically(join(folder, "figure.json"), json);
  await writeTextAtomically(join(folder, "figure.html"), figureHtml(figure));
}
