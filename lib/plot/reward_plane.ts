import type { Annotations } from "plotly.js";
import type { ScatterTrace } from "./figure.ts";
import { rounded } from "./page.ts";
import { INK, MUTED, SHADE } from "./style.ts";

/** A point of a plot, in positions on its axes. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The best that there is at each x, as a line, with the region above it shaded
 * up to `top`.
 */
export function frontier(
  curve: readonly Point[],
  { name, top }: { name: string; top: number },
): ScatterTrace[] {
  const [first, last] = [curve[0]!, curve.at(-1)!];
  const above = [{ x: last.x, y: top }, { x: first.x, y: top }];
  return [
    {
      ...traceOf([...curve, ...above]),
      mode: "lines",
      fill: "toself",
      fillcolor: SHADE,
      line: { width: 0 },
      hoverinfo: "skip",
    },
    {
      ...traceOf(curve),
      mode: "lines",
      name,
      line: { color: INK, width: 3 },
    },
  ];
}

/** Thin lines at shares of a curve, each with its share at its end. */
export function isoLines(
  curve: readonly Point[],
  { shares, of }: { shares: readonly number[]; of: string },
): { data: ScatterTrace[]; annotations: Partial<Annotations>[] } {
  const lines = shares.map((share) => ({
    name: `${Math.round(100 * share)} % of ${of}`,
    points: curve.map(({ x, y }) => ({ x, y: share * y })),
  }));
  return {
    data: lines.map(({ name, points }) => ({
      ...traceOf(points),
      mode: "lines",
      name,
      line: { color: MUTED, width: 1, dash: "dot" },
      hoverinfo: "skip",
    })),
    annotations: lines.map(({ name, points }, i) => ({
      ...points.at(-1)!,
      text: i === 0 ? name : name.replace(` of ${of}`, ""),
      font: { color: MUTED, size: 11 },
      showarrow: false,
      xanchor: "right",
      yanchor: "bottom",
    })),
  };
}

/** The runs of one setting, and the middle of them. */
export interface RunCloud {
  /** The setting, for the pointer. */
  readonly name: string;
  readonly runs: readonly Point[];
  readonly middle: Point;
}

/**
 * A faint dot for each run of a method, and its middles: on a line, if it has
 * the style of one.
 */
export function runClouds(
  clouds: readonly RunCloud[],
  { name, line, marker }: Pick<ScatterTrace, "line" | "marker"> & {
    name: string;
  },
): [dots: ScatterTrace, middles: ScatterTrace] {
  const all = clouds.flatMap((cloud) =>
    cloud.runs.map((point) => ({ ...point, text: cloud.name }))
  );
  return [
    {
      ...traceOf(all),
      mode: "markers",
      name,
      text: all.map(({ text }) => text),
      marker: { ...marker, size: 5, opacity: 0.35 },
      // Runs at the edge of the plot are whole.
      cliponaxis: false,
      hovertemplate: HOVER,
    },
    {
      ...traceOf(clouds.map(({ middle }) => middle)),
      mode: line ? "lines+markers" : "markers",
      name,
      text: clouds.map((cloud) => `${cloud.name}, middle`),
      ...line ? { line: { ...line, width: 1.5 } } : {},
      marker: { ...marker, size: 11, opacity: 1 },
      hovertemplate: HOVER,
    },
  ];
}

const HOVER = "%{text}: %{y:.2f}<extra></extra>";

/** A way from the optimum of an objective to the place where training got. */
export interface Way {
  /** For the pointer. */
  readonly name: string;
  readonly from: Point;
  readonly to: Point;
  /** The colour of the arrow, from 0 to a half. */
  readonly share: number;
}

/**
 * A hollow mark where each way begins, and an arrow to its end in the colours
 * of {@linkcode shareKey}.
 */
export function ways(
  all: readonly Way[],
  { marker }: Pick<ScatterTrace, "marker">,
): { data: ScatterTrace[]; annotations: Partial<Annotations>[] } {
  return {
    data: [{
      ...traceOf(all.map(({ from }) => from)),
      mode: "markers",
      text: all.map(({ name }) => `${name}, optimum`),
      marker: {
        ...marker,
        symbol: "diamond-open",
        size: 11,
        line: { width: 2 },
      },
      hovertemplate: HOVER,
    }],
    annotations: all.map(({ from, to, share }) => ({
      ...to,
      ax: from.x,
      ay: from.y,
      axref: "x",
      ayref: "y",
      text: "",
      arrowcolor: shareColor(share),
      arrowhead: 2,
      arrowwidth: 2,
      standoff: 6,
      startstandoff: 6,
    })),
  };
}

/** From a gray that both pages show to a red that no method has. */
const SHARES = [[176, 176, 176], [208, 16, 80]] as const;

/** The share from which on colours no longer change. */
const MOST = 0.5;

function shareColor(share: number): string {
  const at = Math.min(1, Math.max(0, share / MOST));
  const [none, all] = SHARES;
  const mixed = none.map((c, i) => Math.round(c + at * (all[i]! - c)));
  return `rgb(${mixed.join(", ")})`;
}

/** A trace that draws nothing except the key of the colours of arrows. */
export function shareKey(title: string): ScatterTrace {
  return {
    type: "scatter",
    mode: "markers",
    x: [0],
    y: [null],
    showlegend: false,
    marker: {
      color: [0],
      cmin: 0,
      cmax: MOST,
      colorscale: [[0, shareColor(0)], [1, shareColor(MOST)]],
      showscale: true,
      colorbar: {
        title: { text: title, side: "top", font: { size: 12 } },
        tickfont: { size: 11 },
        ...{ orientation: "h", thickness: 8, len: 0.25, outlinewidth: 0 },
        ...{ x: 0.97, xanchor: "right", y: 0.03, yanchor: "bottom" },
        tickvals: [0, MOST],
        ticktext: ["0 %", `${100 * MOST} %`],
        tickangle: 0,
      },
    },
  };
}

function traceOf(points: readonly Point[]): ScatterTrace {
  return {
    type: "scatter",
    x: points.map(({ x }) => rounded(x)),
    y: points.map(({ y }) => rounded(y)),
    showlegend: false,
  };
}
