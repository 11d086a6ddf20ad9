import type { Layout, LayoutAxis, PlotMarker } from "plotly.js";
import type { BarTrace, Panel, ScatterTrace } from "./figure.ts";
import { subscripted } from "./page.ts";
import { OKABE_ITO, seriesStyle } from "./style.ts";

/** Everything that is drawn of a loss. */
export function lossPanels(sheet: LossSheet): Panel[] {
  const { curves, maps, settings } = sheet;
  return [
    {
      title: "Gradient weight",
      note: weightNote(sheet),
      data: lines(curves, curves.weights),
      layout: layoutOf(curves, {
        title: { text: "weight" },
        rangemode: "tozero",
      }),
    },
    {
      title: "Loss",
      note: `The loss of one example${settings && `, with ${settings}`}.`,
      data: lines(curves, curves.losses),
      layout: layoutOf(curves, { title: { text: "loss" } }),
    },
    ...(maps?.maps ?? []).map((map): Panel => ({
      title: `Gradient weight: ${map.name}`,
      note:
        "Each square is a pair. Right: y_w has become likelier; up: y_l has. White squares are left alone; vermilion ones are pushed the wrong way.",
      data: [squares(map, maps!.sides)],
      layout: {
        xaxis: sideOf("y_w", maps!.sides),
        yaxis: sideOf("y_l", maps!.sides),
        barmode: "overlay",
        bargap: 0,
        hovermode: "closest",
      },
    })),
  ];
}

/** The weights alone, small. */
export function weightPanel({ curves, title }: LossSheet): Panel {
  return {
    title,
    data: lines(curves, curves.weights),
    layout: {
      xaxis: { title: { text: subscripted(curves.axis) }, nticks: 5 },
      yaxis: { title: { text: "weight" }, nticks: 4, rangemode: "tozero" },
      showlegend: false,
      margin: { l: 48, r: 8, t: 4, b: 36 },
    },
  };
}

function weightNote(
  { settings, setting, statistics, maps }: LossSheet,
): string {
  return [
    `How strongly a step ${
      maps ? "raises log π(y_w) and lowers log π(y_l)" : "moves log π(y)"
    }: the derivative of the loss${settings && `, with ${settings}`}.`,
    "Below 0 a step does the reverse.",
    setting,
    ...(statistics ? ["What the batch decides is as it is at π = π_ref."] : []),
  ].join(" ");
}

function layoutOf(
  { axis }: Curves,
  yaxis: Partial<LayoutAxis>,
): Partial<Layout> {
  return {
    xaxis: { title: { text: subscripted(axis) } },
    yaxis,
    hovermode: "x unified",
  };
}

function lines({ x }: Curves, curves: readonly Curve[]): ScatterTrace[] {
  return curves.map(({ name, y }, i) => ({
    type: "scatter",
    mode: "lines",
    name: subscripted(name),
    x: x.map(rounded),
    y: y.map(rounded),
    line: { ...seriesStyle(i).line, width: 2.5 },
    showlegend: curves.length > 1,
  }));
}

const [BLUE, VERMILION] = OKABE_ITO;
const WHITE = "#FFFFFF";

/** An axis that ends where the squares do. */
function sideOf(answer: string, sides: readonly number[]): Partial<LayoutAxis> {
  const reach = sides.at(-1)! + (sides[1]! - sides[0]!) / 2;
  return {
    title: { text: subscripted(`log π/π_ref of ${answer}, nats`) },
    range: [-reach, reach],
  };
}

/** Bars without gaps: the small Plotly has no heat maps. */
function squares({ name, weights }: WeightMap, sides: readonly number[]) {
  const step = sides[1]! - sides[0]!;
  const cells = sides.flatMap((w, i) =>
    sides.map((l, k) => ({ w, l, weight: rounded(weights[i]![k]!) }))
  );
  const color = cells.map(({ weight }) => weight);
  const most = Math.max(...color.map(Math.abs)) || 1;
  const trace: BarTrace = {
    type: "bar",
    name,
    x: cells.map(({ w }) => w),
    y: cells.map(() => step),
    base: cells.map(({ l }) => l - step / 2),
    width: step,
    customdata: cells.map(({ l }) => l),
    hovertemplate:
      "y<sub>w</sub> %{x}, y<sub>l</sub> %{customdata}: weight %{marker.color}<extra></extra>",
    marker: {
      color,
      ...scaleOf(Math.min(...color) < 0, most),
      showscale: true,
      colorbar: { title: { text: "weight" }, thickness: 12 },
      line: { width: 0 },
    },
  };
  return trace;
}

/** Blue as wanted, white nothing, vermilion the reverse. */
function scaleOf(
  isSigned: boolean,
  most: number,
): Pick<PlotMarker, "colorscale" | "cmin" | "cmax"> {
  const up: [number, string][] = isSigned
    ? [[0, VERMILION], [0.5, WHITE], [1, BLUE]]
    : [[0, WHITE], [1, BLUE]];
  return { colorscale: up, cmin: isSigned ? -most : 0, cmax: most };
}

/** As much as a screen shows; and 0 has no sign. */
function rounded(x: number): number {
  return Number(x.toPrecision(5)) + 0;
}

/** All that the pages of losses show of one, as plain data. */
export interface LossSheet {
  id: string;
  title: string;
  /** One line that mathup reads. */
  formula: string;
  /** Prose in which formulas stand in backquotes. */
  derivation: readonly string[];
  /** Paper, equation, address. */
  source: string;
  /** What it trains on and what it reads. */
  needs: string;
  /** What couples the examples of a batch, if anything does. */
  statistics: string | null;
  /** Value at π = π_ref. */
  start: string;
  /** Settings of everything drawn and computed; empty without options. */
  settings: string;
  /** Which answers are drawn. */
  setting: string;
  options: readonly Entry[];
  presets: readonly Entry[];
  curves: Curves;
  /** Weights of pairs by both log-ratios, if it is a loss of pairs. */
  maps: WeightMaps | null;
}

/** Something with a name and a line about it. */
export interface Entry {
  name: string;
  text: string;
}

export interface Curves {
  /** In nats. */
  x: readonly number[];
  axis: string;
  losses: readonly Curve[];
  /** Negative where the loss does the reverse of what the name says. */
  weights: readonly Curve[];
}

export interface Curve {
  name: string;
  y: readonly number[];
}

export interface WeightMaps {
  /** Log-ratios of both answers, in equal steps, in nats. */
  sides: readonly number[];
  maps: readonly WeightMap[];
}

export interface WeightMap {
  name: string;
  /** By the log-ratio of y_w, then by that of y_l. */
  weights: readonly (readonly number[])[];
}
