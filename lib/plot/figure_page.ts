import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { claimsHtml } from "./claims_table.ts";
import type { Figure, SampleSet, Table } from "./figure.ts";
import {
  escapeHtml,
  factsHtml,
  pageHtml,
  panelsHtml,
  textHtml,
} from "./page.ts";
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

/** How the numbers of a figure were made. */
export interface Origin {
  /** Facts by name. */
  readonly facts: readonly (readonly [name: string, fact: string])[];
  /** The settings, as JSON. */
  readonly settings: string;
}

/** More claims than these would hide the plots: they stand below. */
const MANY = 12;

/**
 * Renders a page that needs no network, with Plotly inside. Equal figures give
 * equal bytes.
 *
 * @param options `index` is the file name of a page beside it that lists it.
 */
export function figureHtml(
  figure: Figure,
  { index, origin }: { index?: string; origin?: Origin } = {},
): string {
  const { title, text, findings = [], panels, samples = [], tables } = figure;
  return pageHtml({
    title,
    body: `${
      index ? `<nav><a href="${escapeHtml(index)}">All results</a></nav>\n` : ""
    }<h1>${textHtml(title)}</h1>
${text.map((paragraph) => `<p>${textHtml(paragraph)}</p>`).join("\n")}
${
      (findings.length > MANY
        ? [panelsHtml(panels), claimsHtml(findings)]
        : [claimsHtml(findings), panelsHtml(panels)]).join("\n")
    }
${samplesHtml(samples)}
${tables.map(tableHtml).join("\n")}
${origin ? originHtml(origin) : ""}`,
    plots: panels,
  });
}

/** The texts of each method, folded away. */
function samplesHtml(samples: readonly SampleSet[]): string {
  if (samples.length === 0) return "";
  const sets = samples.map(({ note, texts, ...set }) => {
    const items = texts.map(({ by, text, note }) =>
      `<li>${by ? `<b>${nameHtml(by)}</b> ` : ""}${escapeHtml(text)}${
        noteHtml(note)
      }</li>`
    );
    return `<article><h3>${nameHtml(set)}${noteHtml(note)}</h3>
<ul>${items.join("\n")}</ul></article>`;
  });
  return `<details class="samples" open>
<summary>Samples of each method</summary>
<div>
${sets.join("\n")}
</div>
</details>`;
}

function originHtml({ facts, settings }: Origin): string {
  return `<section class="origin">
<h2>How it was made</h2>
${factsHtml(facts.map((pair) => [escapeHtml(pair[0]), escapeHtml(pair[1])]))}
<details>
<summary>Settings</summary>
<pre>${escapeHtml(settings)}</pre>
</details>
</section>`;
}

function nameHtml({ name, color }: Pick<SampleSet, "name" | "color">): string {
  const style = color
    ? ` style="color:color-mix(in srgb, ${escapeHtml(color)} 75%, var(--ink))"`
    : "";
  return `<span${style}>${textHtml(name)}</span>`;
}

function noteHtml(note: string | undefined): string {
  return note ? ` <small>${escapeHtml(note)}</small>` : "";
}

/** Columns from which on a table is too broad for the type of others in print. */
const BROAD = 10;

/** A table with its caption, as an element of a page or a notebook. */
export function tableHtml({ caption, columns, rows }: Table): string {
  const head = columns.map((name) => `<th scope="col">${textHtml(name)}</th>`);
  const body = rows.map(([name, ...cells]) => {
    const data = cells.map((cell) => `<td>${cellHtml(cell)}</td>`).join("");
    return `<tr><th scope="row">${cellHtml(name)}</th>${data}</tr>`;
  });
  return `<section class="table${columns.length < BROAD ? "" : " broad"}">
<h2>${textHtml(caption)}</h2>
<div><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${body.join("\n")}
</tbody>
</table></div>
</section>`;
}

function cellHtml(cell: string | number | null | undefined): string {
  return textHtml(cellText(cell ?? null));
}
