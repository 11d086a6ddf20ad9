import indexStyle from "./index_page.css" with { type: "text" };
import { claimsHtml } from "./claims_table.ts";
import type { FigureFinding, Verdict } from "./figure.ts";
import { escapeHtml, pageHtml, textHtml } from "./page.ts";

/** A line of the index: results, and the page that shows them. */
export interface IndexEntry {
  /** File name of the page. */
  readonly page: string;
  /** Heading of the page: the finding, where there is one. */
  readonly title: string;
  /** Folder of the results. */
  readonly folder: string;
  /** The day on which the last run began, `2026-01-31`. */
  readonly date: string;
  readonly model: string;
  /** Empty where there are none. */
  readonly data: string;
  readonly runs: number;
  /** Claims that it decides. */
  readonly findings: readonly FigureFinding[];
}

/** All verdicts, in the order in which they are counted. */
const VERDICTS: readonly Verdict[] = [
  "shown",
  "opposite",
  "not shown",
  "not testable",
];

/**
 * Renders the list of the pages beside it, without plots, and of all claims
 * that they decide. Equal entries give equal bytes.
 */
export function indexHtml(entries: readonly IndexEntry[]): string {
  return pageHtml({
    title: "Results",
    style: indexStyle,
    plots: [],
    body: `<h1>Results</h1>
<section class="table index">
<div><table>
<thead><tr><th scope="col">finding</th><th scope="col">model and data</th><th scope="col">runs</th><th scope="col">verdicts</th><th scope="col">date</th></tr></thead>
<tbody>
${entries.map(rowHtml).join("\n")}
</tbody>
</table></div>
</section>
${claimsHtml(entries.flatMap(listed))}`,
  });
}

function listed({ page, folder, findings }: IndexEntry) {
  return findings.map((finding) => ({ ...finding, results: { page, folder } }));
}

function rowHtml(
  { page, title, folder, date, model, data, runs, findings }: IndexEntry,
): string {
  return `<tr><th scope="row"><a href="${escapeHtml(encodeURI(page))}">${
    textHtml(title)
  }</a><small>${escapeHtml(folder)}</small></th>
<td>${escapeHtml(model)}<small>${escapeHtml(data)}</small></td>
<td data-unit="${runs === 1 ? "run" : "runs"}">${runs}</td>
<td>${verdictsHtml(findings.map(({ verdict }) => verdict))}</td>
<td>${escapeHtml(date)}</td></tr>`;
}

/** The number of claims with each verdict. */
function verdictsHtml(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return '<small class="none">no claims</small>';
  return VERDICTS.flatMap((verdict) => {
    const count = verdicts.filter((each) => each === verdict).length;
    const name = verdict.replace(" ", "-");
    return count === 0
      ? []
      : [`<span class="verdict ${name}">${count} ${verdict}</span>`];
  }).join("\n");
}
