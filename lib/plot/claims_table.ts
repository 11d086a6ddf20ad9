import type { FigureFinding } from "./figure.ts";
import { escapeHtml, textHtml } from "./page.ts";

/** A claim, and the page of the results that decide it where another lists it. */
export interface ListedFinding extends FigureFinding {
  /** Address of the page and the folder of its results. */
  readonly results?: { readonly page: string; readonly folder: string };
}

/**
 * A row for each claim, as an element of a page; empty where there is none. A
 * word says the verdict, not its colour alone.
 */
export function claimsHtml(findings: readonly ListedFinding[]): string {
  if (findings.length === 0) return "";
  const rows = findings.map(({ claim, reported, found, results, ...rest }) => {
    const { verdict, why } = rest;
    return `<tr><th scope="row">${textHtml(claim)}<small>${
      sourceHtml(rest)
    }</small>${results ? linkHtml(results) : ""}</th>
<td>${textHtml(reported)}</td>
<td>${textHtml(found)}</td>
<td><strong class="verdict ${verdict.replace(" ", "-")}">${verdict}</strong>
<small>${textHtml(why)}</small></td></tr>`;
  });
  return `<section class="table claims">
<h2>Claims and verdicts</h2>
<div><table>
<thead><tr><th scope="col">claim</th><th scope="col">in the paper</th><th scope="col">here</th><th scope="col">verdict</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
</section>`;
}

function sourceHtml(
  { source, url }: Pick<FigureFinding, "source" | "url">,
): string {
  return url?.startsWith("https://")
    ? `<a href="${escapeHtml(url)}" rel="noreferrer">${textHtml(source)}</a>`
    : textHtml(source);
}

function linkHtml(
  { page, folder }: { readonly page: string; readonly folder: string },
): string {
  return `<small><a href="${escapeHtml(encodeURI(page))}">${
    escapeHtml(folder)
  }</a></small>`;
}
