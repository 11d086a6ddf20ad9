import type { Layout, PlotData } from "plotly.js";

/** A page of plots, tables and prose: everything that `figure.json` holds. */
export interface Figure {
  title: string;
  /** Paragraphs under the title. */
  text: string[];
  panels: Panel[];
  tables: Table[];
}

/** One plot: traces and layout in Plotly's JSON, with a heading and a note. */
export interface Panel {
  title: string;
  /** The note below the plot, which tells a reader how to read it. */
  note?: string;
  /** Takes the whole width of the page. @default false */
  wide?: boolean;
  data: Trace[];
  /** https://plotly.com/javascript/reference/layout/ */
  layout: Partial<Layout>;
}

/** One series of a panel. */
export type Trace = ScatterTrace | BarTrace;

/** A series of points; https://plotly.com/javascript/reference/scatter/. */
export interface ScatterTrace extends Partial<PlotData> {
  type: "scatter";
  x: (number | string)[];
  /** `null` breaks the line. */
  y: (number | null)[];
}

/** A series of bars; https://plotly.com/javascript/reference/bar/. */
export interface BarTrace extends Partial<PlotData> {
  type: "bar";
  x: (number | string)[];
  y: (number | null)[];
  /** Where each bar begins. @default 0 */
  base?: number[];
}

/** A table; the first cell of a row names it, the others are right-aligned. */
export interface Table {
  caption: string;
  columns: string[];
  /** Fractions are shown with four digits, `null` as a dash. */
  rows: (string | number | null)[][];
}
