import { FIGURE_STYLE, PLOT_CONFIG, PLOT_TEMPLATE } from "./plot/style.ts";

/**
 * A page of plots, tables and prose: all that `figure.json` holds and all that
 * {@linkcode figureHtml} needs.
 */
export interface Figure {
  title: string;
  /** Paragraphs under the title. */
  text: string[];
  panels: Panel[];
  tables: Table[];
}

/** One plot: a typed part of Plotly's JSON with a heading and a note. */
export interface Panel {
  title: string;
  /** What to see in it, below the plot. */
  note?: string;
  /** Takes the whole width of the page. */
  wide?: boolean;
  data: Trace[];
  layout: Layout;
}

/** A series of points; https://plotly.com/javascript/reference/scatter/. */
export interface ScatterTrace {
  type: "scatter";
  x: (number | string)[];
  /** `null` breaks the line. */
  y: (number | null)[];
  mode: "lines" | "markers" | "lines+markers" | "text";
  name?: string;
  line?: Line;
  marker?: Marker;
  opacity?: number;
  /** `toself` closes the points to an area, for a band around a line. */
  fill?: "toself" | "tozeroy" | "tonexty";
  fillcolor?: string;
  text?: string[];
  textposition?: string;
  hovertemplate?: string;
  hoverinfo?: "skip";
  legendgroup?: string;
  showlegend?: boolean;
  "error_x"?: ErrorBar;
  "error_y"?: ErrorBar;
}

/** Bars; https://plotly.com/javascript/reference/bar/. */
export interface BarTrace {
  type: "bar";
  x: (number | string)[];
  y: (number | string | null)[];
  orientation?: "v" | "h";
  name?: string;
  marker?: { color?: string };
  hovertemplate?: string;
  showlegend?: boolean;
  "error_x"?: ErrorBar;
  "error_y"?: ErrorBar;
}

/** What a panel draws. */
export type Trace = ScatterTrace | BarTrace;

/** How a line is drawn. */
export interface Line {
  color?: string;
  dash?: string;
  width?: number;
  shape?: "linear" | "hv" | "spline";
}

/** How points are drawn. */
export interface Marker {
  color?: string;
  symbol?: string;
  size?: number;
}

/** Distances from a point to both ends of its interval. */
export interface ErrorBar {
  type: "data";
  symmetric: false;
  array: number[];
  arrayminus: number[];
  color?: string;
  thickness?: number;
  width?: number;
}

/** Axes and marks; https://plotly.com/javascript/reference/layout/. */
export interface Layout {
  xaxis?: Axis;
  yaxis?: Axis;
  annotations?: Annotation[];
  showlegend?: boolean;
  barmode?: "group" | "stack";
  hovermode?: "closest" | "x unified";
}

/** One axis. */
export interface Axis {
  title?: { text: string };
  type?: "linear" | "log" | "category";
  /** On a log axis, in powers of ten. */
  range?: [number, number];
  rangemode?: "normal" | "tozero" | "nonnegative";
  tickformat?: string;
  dtick?: number | string;
}

/** A text at a point of the data. */
export interface Annotation {
  x: number;
  y: number;
  text: string;
  showarrow?: boolean;
  xanchor?: "left" | "center" | "right";
  yanchor?: "top" | "middle" | "bottom";
  ax?: number;
  ay?: number;
}

/** A table; the first cell of a row names it, the others are right-aligned. */
export interface Table {
  caption: string;
  columns: string[];
  /** Numbers that are not whole are shown with four digits, `null` as a dash. */
  rows: (string | number | null)[][];
}

/**
 * Renders a page that needs no network, with Plotly inside: a content policy
 * lets it load nothing. Equal figures give equal bytes.
 */
export function figureHtml({ title, text, panels, tables }: Figure): string {
  const plots = panels.map(({ data, layout }) => ({
    data,
    layout: { ...layout, template: PLOT_TEMPLATE },
  }));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<title>${escapeHtml(title)}</title>
<style>${FIGURE_STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${text.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join("\n")}
<div class="panels">
${panels.map(panelHtml).join("\n")}
</div>
${tables.map(tableHtml).join("\n")}
</main>
<script>${plotlySource()}</script>
<script type="application/json" id="plots">${scriptJson(plots)}</script>
<script>
const plots = JSON.parse(document.getElementById("plots").textContent);
for (const [i, { data, layout }] of plots.entries()) {
  Plotly.newPlot("plot-" + i, data, layout, ${scriptJson(PLOT_CONFIG)});
}
</script>
</body>
</html>
`;
}

const CONTENT_POLICY = "default-src 'none'; script-src 'unsafe-inline'; " +
  "style-src 'unsafe-inline'; img-src data: blob:";

function panelHtml({ title, note, wide }: Panel, index: number): string {
  const label = escapeHtml(title);
  return `<figure${wide ? ' class="wide"' : ""}>
<h2>${label}</h2>
<div class="plot" id="plot-${index}" role="img" aria-label="${label}"></div>
${note ? `<figcaption>${escapeHtml(note)}</figcaption>\n` : ""}</figure>`;
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
  if (cell === null || cell === undefined) return "–";
  if (typeof cell === "string") return escapeHtml(cell);
  return Number.isInteger(cell) ? `${cell}` : `${Number(cell.toPrecision(4))}`;
}

function plotlySource(): string {
  return Deno.readTextFileSync(
    new URL(import.meta.resolve("plotly.js-basic-dist-min")),
  );
}

/** JSON that cannot end the script element it stands in. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
