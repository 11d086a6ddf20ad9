/**
 * Colours that stay apart for the colour-blind, by Okabe and Ito,
 * https://jfly.uni-koeln.de/color/; the ones that read best on white first.
 */
export const OKABE_ITO = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#000000",
  "#F0E442",
] as const;

/** Plotly's line patterns, most different first. */
export const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"] as const;

/** Plotly's point symbols, most different first. */
export const SYMBOLS = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "x",
  "triangle-down",
  "star",
  "cross",
] as const;

/** How one series is drawn. */
export interface SeriesStyle {
  line: { color: string; dash: string };
  marker: { color: string; symbol: string };
}

/** The look of series `index`: neighbours differ in colour, dash and symbol. */
export function seriesStyle(index: number): SeriesStyle {
  const color = OKABE_ITO[index % OKABE_ITO.length]!;
  return {
    line: { color, dash: DASHES[index % DASHES.length]! },
    marker: { color, symbol: SYMBOLS[index % SYMBOLS.length]! },
  };
}

const INK = "#222222";
const FONT =
  "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

const AXIS = {
  automargin: true,
  gridcolor: "#E8E8E8",
  linecolor: "#888888",
  showline: true,
  ticks: "outside",
  tickcolor: "#888888",
  zeroline: false,
  title: { standoff: 8 },
};

/** What a panel's layout leaves unsaid. */
export const PLOT_TEMPLATE = {
  layout: {
    autosize: true,
    colorway: OKABE_ITO,
    font: { family: FONT, size: 13, color: INK },
    hoverlabel: { font: { family: FONT } },
    // Below the plot: beside it, a legend leaves no room on a phone.
    legend: {
      orientation: "h",
      x: 0,
      y: 0,
      yref: "container",
      yanchor: "bottom",
    },
    margin: { l: 56, r: 12, t: 8, b: 48 },
    paper_bgcolor: "#FFFFFF",
    plot_bgcolor: "#FFFFFF",
    xaxis: AXIS,
    yaxis: AXIS,
  },
};

/** How the plots behave: nothing on them leads off the page. */
export const PLOT_CONFIG = {
  responsive: true,
  displaylogo: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  plotlyServerURL: "",
  toImageButtonOptions: { format: "svg" },
};

/** The style sheet of a figure's page. */
export const FIGURE_STYLE = `
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: ${INK}; font: 16px/1.5 ${FONT}; }
main { max-width: 1160px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1rem; margin: 0 0 .25rem; }
p { max-width: 46rem; }
.panels {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr));
  gap: 1.5rem;
}
figure { margin: 0; min-width: 0; }
.wide { grid-column: 1 / -1; }
.plot { height: 24rem; }
.wide .plot { height: 32rem; }
@media (max-width: 40rem) { .plot { height: 28rem; } }
@media (hover: none) { .modebar-container { display: none; } }
figcaption { color: #555; font-size: .875rem; max-width: 46rem; }
.table { margin: 2rem 0; }
.table div { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem; text-align: right; white-space: nowrap; }
th:first-child { padding-left: 0; text-align: left; }
thead th { border-bottom: 1.5px solid ${INK}; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody tr + tr > * { border-top: 1px solid #e8e8e8; }
`;
