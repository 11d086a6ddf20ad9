import { escapeHtml, pageHtml, panelHtml } from "./page.ts";

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
  /** Where each bar begins, 0 unless given. */
  base?: number[];
  /** Of all bars, in units of the axis. */
  width?: number;
  orientation?: "v" | "h";
  name?: string;
  marker?: BarMarker;
  customdata?: number[];
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

/** How bars are filled: all alike, or each by a number on a scale. */
export interface BarMarker {
  color?: string | number[];
  colorscale?: [number, string][];
  cmin?: number;
  cmax?: number;
  showscale?: boolean;
  colorbar?: { title?: { text: string }; thickness?: number };
  line?: { width: number };
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
  barmode?: "group" | "stack" | "overlay";
  /** Share of the room of a bar that stays free beside it. */
  bargap?: number;
  /** Pixels around the plot. */
  margin?: { l?: number; r?: number; t?: number; b?: number };
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
  nticks?: number;
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
  if (cell === null || cell === undefined) return "–";
  if (typeof cell === "string") return escapeHtml(cell);
  return Number.isInteger(cell) ? `${cell}` : `${Number(cell.toPrecision(4))}`;
}
