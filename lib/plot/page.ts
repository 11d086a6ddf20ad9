import pageScript from "./page_script.js" with { type: "text" };
import pageStyle from "./page.css" with { type: "text" };
import plotly from "plotly.js-basic-dist-min" with { type: "text" };
import type { Config, Layout, LayoutAxis, Template } from "plotly.js";
import type { Panel } from "./figure.ts";
import {
  AXIS_LINE,
  COLORS,
  GRID,
  INK,
  MUTED,
  OKABE_ITO,
  ON_DARK,
  PAPER,
} from "./style.ts";

/** A page whose body has an element `plot-0`, `plot-1`, … for each plot. */
export interface Page {
  title: string;
  /** HTML between the tags of `main`. */
  body: string;
  plots: Pick<Panel, "data" | "layout">[];
  /** Added to the style sheet. @default none */
  style?: string;
  /** Changes the behaviour of the plots. @default {} */
  config?: Partial<Config>;
}

/**
 * Renders a page that needs no network, with Plotly inside if it has plots: a
 * content policy lets it load nothing. Equal pages give equal bytes.
 */
export function pageHtml(
  { title, body, plots, style = "", config = {} }: Page,
): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<title>${escapeHtml(title)}</title>
<style>${styleSheet(style)}</style>
</head>
<body>
<main>
${body}
</main>
${plots.length > 0 ? plotsHtml(plots, config) : ""}</body>
</html>
`;
}

/** The style sheet of all pages, and more for one. */
export function styleSheet(more: string): string {
  return `${VARIABLES}${pageStyle}${more}`;
}

/** Plotly, the plots as data, and the script that draws them. */
function plotsHtml(plots: Page["plots"], config: Partial<Config>): string {
  return `<script>${plotly}</script>
<script type="application/json" id="plots">${
    scriptJson(templated(plots))
  }</script>
<script>
const onDark = ${scriptJson(ON_DARK)};
const config = ${scriptJson({ ...PLOT_CONFIG, ...config })};
${pageScript}</script>
`;
}

/** Plots with the look of all plots. */
export function templated<P extends Page["plots"][number]>(
  plots: readonly P[],
): P[] {
  return plots.map((plot) => ({
    ...plot,
    layout: { ...withSubscripts(plot.layout), template: PLOT_TEMPLATE },
  }));
}

/** Writes `π_ref` in the titles of axes as readers know it. */
function withSubscripts(layout: Partial<Layout>): Partial<Layout> {
  const { xaxis, yaxis } = layout;
  const axes = Object.entries({ xaxis, yaxis }).flatMap(([name, axis]) => {
    const text = axis?.title?.text;
    if (!text) return [];
    const title = { ...axis.title, text: subscripted(text) };
    return [[name, { ...axis, title }] as const];
  });
  return { ...layout, ...Object.fromEntries(axes) };
}

const CONTENT_POLICY = "default-src 'none'; script-src 'unsafe-inline'; " +
  "style-src 'unsafe-inline'; img-src data: blob:";

const FONT =
  "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** The colours of all style sheets. */
const PALETTE = { ink: INK, muted: MUTED, paper: PAPER, rule: GRID, ...COLORS };

/** The variables of all style sheets; paper is white even in the dark. */
const VARIABLES = `:root { --font: ${FONT}; ${variables(PALETTE)} }
@media screen and (prefers-color-scheme: dark) {
  :root { ${variables(PALETTE, ON_DARK)} }
}
`;

function variables(
  palette: Readonly<Record<string, string>>,
  instead: Readonly<Record<string, string>> = {},
): string {
  return Object.entries(palette)
    .map(([name, color]) => `--${name}: ${instead[color] ?? color};`).join(" ");
}

const AXIS: Partial<LayoutAxis> = {
  automargin: true,
  gridcolor: GRID,
  linecolor: AXIS_LINE,
  showline: true,
  ticks: "outside",
  tickcolor: AXIS_LINE,
  zeroline: false,
  title: { standoff: 8, font: { size: 13 } },
};

/** The defaults of a panel's layout. */
const PLOT_TEMPLATE: Template = {
  layout: {
    autosize: true,
    colorway: [...OKABE_ITO],
    font: { family: FONT, size: 13, color: INK },
    hoverlabel: { font: { family: FONT } },
    // A legend beside the plot would leave no room on a phone.
    legend: {
      orientation: "h",
      x: 0,
      y: 0,
      yref: "container",
      yanchor: "bottom",
    },
    // Half a number at the end of an axis goes beyond it.
    margin: { l: 56, r: 20, t: 8, b: 48 },
    paper_bgcolor: PAPER,
    plot_bgcolor: PAPER,
    xaxis: AXIS,
    yaxis: AXIS,
  },
};

/** The behaviour of the plots: nothing on them leads off the page. */
export const PLOT_CONFIG: Partial<Config> = {
  responsive: true,
  displaylogo: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  plotlyServerURL: "",
  toImageButtonOptions: { format: "svg" },
};

/** The elements of all plots, in rows; small ones stand in rows of their own. */
export function panelsHtml(panels: readonly Panel[]): string {
  const rows: { isSmall: boolean; html: string[] }[] = [];
  for (const [index, panel] of panels.entries()) {
    const isSmall = panel.small ?? false;
    if (rows.at(-1)?.isSmall !== isSmall) rows.push({ isSmall, html: [] });
    rows.at(-1)?.html.push(panelHtml(panel, index));
  }
  return rows.map(({ isSmall, html }) =>
    `<div class="panels${isSmall ? " small" : ""}">
${html.join("\n")}
</div>`
  ).join("\n");
}

/** The element of plot `index`, with its heading and note. */
function panelHtml(
  { title, note, wide, height }: Omit<Panel, "data" | "layout">,
  index: number,
): string {
  const label = escapeHtml(title);
  return `<figure${wide ? ' class="wide"' : ""}>
<h2>${subscripted(label)}</h2>
<div class="plot" id="plot-${index}" role="img" aria-label="${label}"${
    height ? ` style="height:${height}rem"` : ""
  }></div>
${
    note
      ? `<figcaption>${subscripted(escapeHtml(note))}</figcaption>\n`
      : ""
  }</figure>`;
}

/** JSON that cannot end the script element in which it stands. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Escapes a text for use between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Turns the underscore after a letter into a subscript: `y_w`, `π_ref`. */
export function subscripted(text: string): string {
  return text.replace(
    /(?<![\p{L}\d_])(\p{L})_([A-Za-z\d]+)/gu,
    "$1<sub>$2</sub>",
  );
}

/**
 * Text between tags: escaped, with subscripts and minus signs. Per cents,
 * p-values and intervals in brackets are not broken.
 */
export function textHtml(text: string): string {
  return subscripted(escapeHtml(text)).replace(/(?<![\p{L}\d.])-(?=\d)/gu, "−")
    .replace(
      /(?<=\d) (?=%)|(?<=\bp(?: &lt;)?) (?=[\d&])|(?<=\[[−\d.]+,) /g,
      "\u00a0",
    );
}

/** A list of facts. */
export function factsHtml(
  facts: readonly (readonly [nameHtml: string, html: string])[],
): string {
  const rows = facts.map(([name, html]) => `<dt>${name}</dt><dd>${html}</dd>`);
  return `<dl class="facts">${rows.join("\n")}</dl>`;
}

/** Rounds to the five digits that a screen can show; 0 has no sign. */
export function rounded(x: number): number {
  return Number(x.toPrecision(5)) + 0;
}
