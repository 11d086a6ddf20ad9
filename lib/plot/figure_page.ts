import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import type { Figure, Table } from "./figure.ts";
import { escapeHtml, pageHtml, panelHtml } from "./page.ts";
import { cellText } from "./tables.ts";

/** Writes a figure to a folder: its data as figure.json, its page as figure.html. */
export async function writeFigure(
  folder: string,
  figure: Figure,
): Promise<void> {
  const json = `${canonicalJson(figure)}\n`;
  await writeTextAtomically(join(folder, "figure.json"), json);
  await writeTextAtomically(join(folder, "figure.html"), figureHtml(figure));
}

/**
 * Renders a page that needs no network, with Plotly inside. Equal figures give
 * equal bytes.
 */
export function figureHtml({ title, text, panels, tables }: Figure): string {
  return pageHtml({
    title,
    body: `<h1>${escapeHtml(title)}</h1>
${text.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join("\n")}
<div class="panels">
${panels.map(panelHtml).join("\n")}
</div>
${tables.map(tableHtml).join("\n")}`,
    plots: panels,
  });
}

function tableHtml({ caption, columns, rows }: Table): string {
  const head = columns.map((name) =>
    `<th scope="col">${escapeHtml(name)}</th>`
  );
  const body = rows.map(([name, ...cells]) => {
    const data = cells.map((cell) => `<td>${cellHtml(cell)}</td>`).join("");
    return `<tr><th scope="row">${cellHtml(name)}</th>${data}</tr>`;
  });
  return `<section class="table">
<h2>${escapeHtml(caption)}</h2>
<div><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${body.join("\n")}
</tbody>
</table></div>
</section>`;
}

function cellHtml(cell: string | number | null | undefined): string {
  return escapeHtml(cellText(cell ?? null));
}
