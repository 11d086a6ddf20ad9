import type { Layout, PlotData } from "plotly.js";

/** A page of plots, tables and prose: everything that `figure.json` holds. */
export interface Figure {
  /** Heading of the page. */
  title: string;
  /** Paragraphs under the title. */
  text: string[];
  /** Plots, in order. */
  panels: Panel[];
  /** Tables below the plots. */
  tables: Table[];
}

/** One plot: traces and layout in Plotly's JSON, with a heading and a note. */
export interface Panel {
  /** Heading of the plot. */
  title: string;
  /** The note below the plot, which tells a reader how to read it. */
  note?: string;
  /** Takes the whole width of the page. @default false */
  wide?: boolean;
  /** The traces, in the order of drawing. */
  data: Trace[];
  /**
   * https://plotly.com/javascript/reference/layout/
   *
   * @internal
   */
  layout: Partial<Layout>;
}

/** One series of a panel. */
export type Trace = ScatterTrace | BarTrace;

/**
 * A series of points; https://plotly.com/javascript/reference/scatter/.
 *
 * @internal
 */
export interface ScatterTrace extends Partial<PlotData> {
  type: "scatter";
  x: (number | string)[];
  /** `null` breaks the line. */
  y: (number | null)[];
}

/**
 * A series of bars; https://plotly.com/javascript/reference/bar/.
 *
 * @internal
 */
export interface BarTrace extends Partial<PlotData> {
  type: "bar";
  x: (number | string)[];
  y: (number | null)[];
  /** Where each bar begins. @default 0 */
  base?: number[];
}

/** A table; the first cell of a row names it, the others are right-aligned. */
export interface Table {
  /** Heading of the table. */
  caption: string;
  /** Heading of each column. */
  columns: string[];
  /** Fractions are shown with four digits, `null` as a dash. */
  rows: (string | number | null)[][];
}
