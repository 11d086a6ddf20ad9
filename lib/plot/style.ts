import type { Dash } from "plotly.js";

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
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"] as const;

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
  line: { color: string; dash: Dash };
  marker: { color: string; symbol: string };
}

/** The style of series `index`; neighbours differ in colour, dash and symbol. */
export function seriesStyle(index: number): SeriesStyle {
  const color = OKABE_ITO[index % OKABE_ITO.length]!;
  return {
    line: { color, dash: DASHES[index % DASHES.length]! },
    marker: { color, symbol: SYMBOLS[index % SYMBOLS.length]! },
  };
}
