import type { Shape } from "plotly.js";
import type { Panel, ScatterTrace, Verdict } from "./figure.ts";
import { rounded } from "./page.ts";
import { COLORS, MUTED, SHADE, textColor } from "./style.ts";

/** A paired difference with its interval, and the verdict on it. */
export interface Difference {
  /** The two methods and the measure. */
  readonly name: string;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: Verdict;
  /** The verdict in words. @default the verdict's name */
  readonly words?: string;
  /** The difference in each unit, as faint dots. @default none */
  readonly values?: readonly number[];
  /** The difference that the objectives aim at, hollow. @default none */
  readonly aim?: number;
}

/** The colours of verdicts; a word always says them too. */
const VERDICTS: Readonly<Record<Verdict, string>> = {
  "shown": COLORS.green,
  "opposite": COLORS.vermilion,
  "not shown": COLORS.blue,
  "not testable": COLORS.gray,
};

/**
 * A forest plot: a row for each difference, from the top, with its interval;
 * the band around 0 is of differences too small to matter.
 */
export function forestPanel(
  { title, note, axis, delta, differences, range, dense = false }: {
    title: string;
    note?: string;
    /** Title of the x axis, with its unit and the side that is claimed. */
    axis: string;
    /** The smallest difference that matters. */
    delta: number;
    differences: readonly Difference[];
    /** Ends of the x axis; marks beyond stand there. @default all of them */
    range?: readonly [number, number];
    /** For dozens of rows: the verdict stands behind the name. @default false */
    dense?: boolean;
  },
): Panel {
  const rows = differences.map((_, i) => i);
  return {
    title,
    ...note === undefined ? {} : { note },
    height: 6 + (dense ? 1.3 : 3) * rows.length,
    data: [
      ...differences.map(unitTrace),
      ...differences.flatMap(({ aim }, row) =>
        aim === undefined ? [] : [aimTrace(aim, row, range)]
      ),
      ...differences.map(intervalTrace),
    ],
    layout: {
      xaxis: { title: { text: axis }, ...range && { range: [...range] } },
      yaxis: {
        range: [rows.length - 0.4, -0.6],
        tickvals: rows,
        ticktext: differences.map((one) => rowName(one, dense ? " " : "<br>")),
        showgrid: dense,
        ticks: "",
      },
      showlegend: false,
      hovermode: "closest",
      shapes: [
        { ...upright(-delta, delta), type: "rect", fillcolor: SHADE },
        { ...upright(0, 0), type: "line", line: { color: MUTED, width: 1 } },
      ],
    },
  };
}

/** A faint dot for each unit, a little below the interval. */
function unitTrace(
  { values = [], verdict }: Difference,
  row: number,
): ScatterTrace {
  return {
    type: "scatter",
    mode: "markers",
    x: values.map(rounded),
    y: values.map(() => row + 0.25),
    marker: { color: VERDICTS[verdict], size: 5, opacity: 0.45 },
    hovertemplate: "%{x:.2f}<extra></extra>",
  };
}

/** A hollow diamond, or a triangle at the end of the axis that it is beyond. */
function aimTrace(
  aim: number,
  row: number,
  [least, most]: readonly [number, number] = [-Infinity, Infinity],
): ScatterTrace {
  const symbol = aim < least
    ? "triangle-left-open"
    : aim > most
    ? "triangle-right-open"
    : "diamond-open";
  return {
    type: "scatter",
    mode: "markers",
    x: [rounded(Math.min(most, Math.max(least, aim)))],
    y: [row],
    marker: { color: MUTED, symbol, size: 9 },
    hovertemplate: `${aim.toFixed(2)}<extra></extra>`,
  };
}

function intervalTrace(
  { name, estimate, low, high, verdict }: Difference,
  row: number,
): ScatterTrace {
  const color = VERDICTS[verdict];
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: [rounded(estimate)],
    y: [row],
    marker: { color, symbol: "square", size: 10 },
    error_x: {
      type: "data",
      symmetric: false,
      array: [rounded(high - estimate)],
      arrayminus: [rounded(estimate - low)],
      ...{ color, thickness: 2, width: 0 },
    },
    hovertemplate: `%{x:.2f} (${low.toFixed(2)} to ${
      high.toFixed(2)
    })<extra></extra>`,
  };
}

function rowName(
  { name, verdict, words = verdict }: Difference,
  between: string,
): string {
  const color = textColor(VERDICTS[verdict]);
  return `${name}${between}<span style="color:${color}"><b>${words}</b></span>`;
}

function upright(x0: number, x1: number): Partial<Shape> {
  const whole = { yref: "paper", y0: 0, y1: 1 } as const;
  return { ...whole, x0, x1, layer: "below", line: { width: 0 } };
}
