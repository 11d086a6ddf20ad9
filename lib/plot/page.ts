import type { Layout, Panel, Trace } from "./figure.ts";
import { FIGURE_STYLE, PLOT_CONFIG, PLOT_TEMPLATE } from "./style.ts";

/** A page whose body has an element `plot-0`, `plot-1`, … for each plot. */
export interface Page {
  title: string;
  /** HTML between the tags of `main`. */
  body: string;
  plots: { data: Trace[]; layout: Layout }[];
  /** Added to the style sheet of figures. @default none */
  style?: string;
  /** Changes how plots behave. @default {} */
  config?: { staticPlot?: boolean };
}

/**
 * Renders a page that needs no network, with Plotly inside: a content policy
 * lets it load nothing. Equal pages give equal bytes.
 */
export function pageHtml(
  { title, body, plots, style = "", config = {} }: Page,
): string {
  const templated = plots.map(({ data, layout }) => ({
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
<style>${FIGURE_STYLE}${style}</style>
</head>
<body>
<main>
${body}
</main>
<script>${plotlySource()}</script>
<script type="application/json" id="plots">${scriptJson(templated)}</script>
<script>
const plots = JSON.parse(document.getElementById("plots").textContent);
for (const [i, { data, layout }] of plots.entries()) {
  Plotly.newPlot("plot-" + i, data, layout, ${
    scriptJson({ ...PLOT_CONFIG, ...config })
  });
}
</script>
</body>
</html>
`;
}

const CONTENT_POLICY = "default-src 'none'; script-src 'unsafe-inline'; " +
  "style-src 'unsafe-inline'; img-src data: blob:";

/** The element of plot `index` with its heading and note. */
export function panelHtml(
  { title, note, wide }: Omit<Panel, "data" | "layout">,
  index: number,
): string {
  const label = escapeHtml(title);
  return `<figure${wide ? ' class="wide"' : ""}>
<h2>${subscripted(label)}</h2>
<div class="plot" id="plot-${index}" role="img" aria-label="${label}"></div>
${
    note
      ? `<figcaption>${subscripted(escapeHtml(note))}</figcaption>\n`
      : ""
  }</figure>`;
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

/** Text as it can stand between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Lowers what stands after a letter and a low line: `y_w`, `π_ref`. */
export function subscripted(text: string): string {
  return text.replace(
    /(?<![\p{L}\d_])(\p{L})_([A-Za-z\d]+)/gu,
    "$1<sub>$2</sub>",
  );
}
