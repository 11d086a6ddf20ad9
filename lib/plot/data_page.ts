import dataStyle from "./data_page.css" with { type: "text" };
import type { Panel } from "./figure.ts";
import { escapeHtml, factsHtml, pageHtml, panelsHtml } from "./page.ts";
import { OKABE_ITO } from "./style.ts";

/** The content of a data file's page. */
export interface DataSheet {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, text: string])[];
  readonly findings: readonly SheetFinding[];
  readonly histograms: readonly Histogram[];
  readonly samples: readonly Sample[];
}

/** The result of a check. */
export interface SheetFinding {
  readonly verdict: string;
  readonly check: string;
  readonly count: number;
  readonly places: string;
  readonly says: string;
}

/** Lengths of several kinds of text, counted in the same bins. */
export interface Histogram {
  readonly title: string;
  readonly note: string;
  readonly axis: string;
  /** The width of each bin; the first begins at 0. */
  readonly width: number;
  readonly series: readonly { name: string; counts: readonly number[] }[];
}

/** One row as training sees it. */
export interface Sample {
  readonly location: string;
  readonly prompt: Sequence;
  readonly completions: readonly Sequence[];
}

/** A prompt or a completion, in pieces. */
export interface Sequence {
  /** `chosen, 31 tokens` */
  readonly name: string;
  /** Whether training makes its scored tokens likelier. */
  readonly wanted: boolean;
  readonly pieces: readonly SamplePiece[];
}

/** The text of one token, or of all tokens where there is no tokenizer. */
export interface SamplePiece {
  readonly text: string;
  readonly scored: boolean;
  readonly special: boolean;
}

/** The page of a data file: facts, findings, lengths, decoded samples. */
export function dataPageHtml(sheet: DataSheet): string {
  const { title, facts, findings, histograms, samples } = sheet;
  const panels = histograms.map(histogramPanel);
  return pageHtml({
    title,
    style: dataStyle,
    body: [
      `<h1>${escapeHtml(title)}</h1>`,
      factsHtml(
        facts.map(([name, text]) => [escapeHtml(name), escapeHtml(text)]),
      ),
      findingsHtml(findings),
      panelsHtml(panels),
      samplesHtml(samples),
    ].join("\n"),
    plots: panels,
  });
}

/** The checks with findings as a table, the others in one line. */
function findingsHtml(findings: readonly SheetFinding[]): string {
  if (findings.length === 0) return "";
  const found = findings.filter(({ count }) => count > 0);
  const none = findings.filter(({ count }) => count === 0);
  const rows = found.map(({ verdict, check, count, places, says }) => {
    const word = escapeHtml(verdict);
    const cells = [check, String(count), places, says]
      .map((text) => `<td>${escapeHtml(text)}</td>`);
    return `<tr><th scope="row" class="${word}">${word}</th>${
      cells.join("")
    }</tr>`;
  });
  return `<section class="table findings"><h2>Checks</h2>
<div><table>
<thead><tr><th></th><th>check</th><th>rows</th><th>first places</th><th></th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
<p class="none">${none.length} other checks found nothing: ${
    escapeHtml(none.map(({ check }) => check).join(", "))
  }.</p></section>`;
}

function histogramPanel(
  { title, note, axis, width, series }: Histogram,
): Panel {
  return {
    title,
    note,
    data: series.map(({ name, counts }, i) => ({
      type: "bar",
      name,
      x: counts.map((_, bin) => (bin + 0.5) * width),
      y: [...counts],
      marker: { color: OKABE_ITO[i % OKABE_ITO.length]! },
      hovertemplate: `%{y} with about %{x} ${axis}`,
    })),
    layout: {
      barmode: "group",
      bargap: 0.1,
      showlegend: series.length > 1,
      xaxis: { title: { text: axis }, rangemode: "tozero" },
      yaxis: { title: { text: "rows" }, rangemode: "tozero" },
    },
  };
}

function samplesHtml(samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  return `<section><h2>Rows as training sees them</h2>
<p>Coloured tokens are scored: ${key("wanted", "made likelier")}, ${
    key("unwanted", "made less likely")
  }. The others are only read.
<span class="special">Special tokens</span> have a border.</p>
${samples.map(sampleHtml).join("\n")}
</section>`;
}

function key(side: string, text: string): string {
  return `<span class="${side} key"><span class="scored">${text}</span></span>`;
}

function sampleHtml({ location, prompt, completions }: Sample): string {
  return `<article class="sample"><h2>${escapeHtml(location)}</h2>
${sequenceHtml(prompt)}
<div class="answers">${completions.map(sequenceHtml).join("\n")}</div>
</article>`;
}

function sequenceHtml({ name, wanted, pieces }: Sequence): string {
  const scores = pieces.some(({ scored }) => scored);
  const side = scores ? wanted ? " wanted" : " unwanted" : "";
  return `<div><h3>${escapeHtml(name)}</h3>
<pre class="text${side}">\n${pieces.map(pieceHtml).join("")}</pre></div>`;
}

function pieceHtml({ text, scored, special }: SamplePiece): string {
  const classes = [...scored ? ["scored"] : [], ...special ? ["special"] : []];
  // A scored line break is a token that a reader should see.
  const shown = scored ? text.replaceAll("\n", "↵\n") : text;
  const html = escapeHtml(shown.replace(/(?![\t\n])\p{Cc}/gu, "�"));
  if (classes.length === 0) return html;
  return `<span class="${classes.join(" ")}">${html}</span>`;
}
