import type { Layout, PlotData } from "plotly.js";

/** A page of plots, tables and prose: everything that `figure.json` holds. */
export interface Figure {
  /** Heading of the page: the finding, where there is one. */
  title: string;
  /** Paragraphs under the title. */
  text: string[];
  /** Claims and verdicts: above the plots, or below if many. @default none */
  findings?: FigureFinding[];
  /** Plots, in order. */
  panels: Panel[];
  /**
   * The number of panels, from the first, that pictures of the figure show.
   *
   * @default the small ones that it begins with, or the first
   */
  pictured?: number;
  /** Texts that methods write, below the plots. @default none */
  samples?: SampleSet[];
  /** Tables below the plots. */
  tables: Table[];
}

/** The verdict on a claim. */
export type Verdict = "shown" | "opposite" | "not shown" | "not testable";

/** A claim of the field beside the numbers of this figure. */
export interface FigureFinding {
  /** The claim in a sentence. */
  claim: string;
  /** Paper, equation or table. */
  source: string;
  /** Address of the paper. @default none */
  url?: string;
  /** The number in the paper, as text. */
  reported: string;
  /** The number here with its interval, as text. */
  found: string;
  /** The verdict. */
  verdict: Verdict;
  /** The reason for the verdict, in a sentence. */
  why: string;
}

/** Texts that one method writes, or those of several to one prompt. */
export interface SampleSet {
  /** The method and its setting, or the prompt. */
  name: string;
  /** Its colour. @default that of text */
  color?: string;
  /** The circumstances, such as the distance from the reference model. */
  note?: string;
  /** The texts. */
  texts: SampleText[];
}

/** One text. */
export interface SampleText {
  /** The method, where the others of the set are of other ones. @default none */
  by?: Pick<SampleSet, "name" | "color">;
  /** The text. */
  text: string;
  /** A word on it, such as `broken`. */
  note?: string;
}

/** One plot: traces and layout in Plotly's JSON, with a heading and a note. */
export interface Panel {
  /** Heading of the plot. */
  title: string;
  /** The note below the plot, which tells a reader how to read it. */
  note?: string;
  /** Takes the whole width of the page. @default false */
  wide?: boolean;
  /**
   * One of several like it: four in a row, below each other on a phone.
   *
   * @default false
   */
  small?: boolean;
  /** The height of the plot, in rem. @default by the width of the page */
  height?: number;
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
