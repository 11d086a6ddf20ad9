import type { Layout, LayoutAxis } from "plotly.js";
import type { BarTrace, Panel, ScatterTrace } from "./figure.ts";
import { labelledLines } from "./labels.ts";
import { rounded, subscripted } from "./page.ts";
import { type Mark, OKABE_ITO, PAPER, seriesStyle } from "./style.ts";

/** The content of a loss's page. */
export interface LossSheet {
  id: string;
  title: string;
  /** Its look in figures; `undefined` for the default one. */
  mark: Mark | undefined;
  /** One line for mathup. */
  formula: string;
  /** Steps in prose, with formulas in backquotes. */
  derivation: readonly string[];
  /** Paper, equation, address. */
  source: string;
  /** The kind of its data, and the inputs that it reads. */
  needs: string;
  /** The formula that couples the examples of a batch, or null. */
  statistics: string | null;
  /** The loss at π = π_ref. */
  start: string;
  /** The option values of all curves and numbers; empty without options. */
  defaults: string;
  /** The answers for which the curves are drawn. */
  answers: string;
  options: readonly NamedText[];
  presets: readonly NamedText[];
  curves: Curves;
  /** Weights by both log-ratios, for a loss of pairs. */
  maps: WeightMaps | null;
}

/** A name with a line about it. */
export interface NamedText {
  name: string;
  text: string;
}

/** Values and gradient weights of a loss along a line. */
export interface Curves {
  /** In nats. */
  readonly x: readonly number[];
  readonly axis: string;
  readonly losses: readonly Curve[];
  /**
   * The derivatives of the loss: how strongly a step does what the curve's name
   * says; negative where it does the reverse.
   */
  readonly weights: readonly Curve[];
}

/** A named line of a plot. */
interface Curve {
  readonly name: string;
  readonly y: readonly number[];
}

/** Gradient weights of a loss of pairs by the log-ratios of both answers. */
export interface WeightMaps {
  /** log π/π_ref of y_w and of y_l, in equal steps, in nats. */
  readonly sides: readonly number[];
  readonly maps: readonly WeightMap[];
}

interface WeightMap {
  readonly name: string;
  /** The weight at `sides[i]` of y_w and `sides[k]` of y_l as `[i][k]`. */
  readonly weights: readonly (readonly number[])[];
}

/** All panels of a loss. */
export function lossPanels(sheet: LossSheet): Panel[] {
  const { curves, maps, defaults } = sheet;
  const weights = lines(curves, curves.weights);
  const losses = lines(curves, curves.losses);
  return [
    {
      title: "Gradient weight",
      note: weightNote(sheet),
      data: weights,
      layout: {
        ...layoutOf(curves, {
          title: { text: "weight" },
          rangemode: "tozero",
        }),
        ...labelledLines(weights, { fromZero: true }),
      },
    },
    {
      title: "Loss",
      note: `The loss of one example${defaults && `, with ${defaults}`}.`,
      data: losses,
      layout: {
        ...layoutOf(curves, { title: { text: "loss" } }),
        ...losses.length > 1 ? labelledLines(losses) : {},
      },
    },
    ...(maps?.maps ?? []).map((map): Panel => ({
      title: `Gradient weight: ${map.name}`,
      note:
        "Each square is a pair. To the right y_w has become likelier, upwards y_l. Squares without colour get no weight; vermilion ones are pushed the wrong way.",
      data: squares(map, maps!.sides),
      layout: {
        xaxis: sideOf("y_w", maps!.sides),
        yaxis: sideOf("y_l", maps!.sides),
        barmode: "overlay",
        showlegend: false,
        bargap: 0,
        hovermode: "closest",
      },
    })),
  ];
}

/** A small panel of the weights alone. */
export function weightPanel({ curves, title }: LossSheet): Panel {
  return {
    title,
    // A third of the points is enough for its size.
    data: lines(curves, curves.weights).map((line) => ({
      ...line,
      x: line.x.filter((_, i) => i % 3 === 0),
      y: line.y.filter((_, i) => i % 3 === 0),
    })),
    layout: {
      xaxis: { title: { text: curves.axis }, nticks: 5 },
      yaxis: { title: { text: "weight" }, nticks: 4, rangemode: "tozero" },
      showlegend: false,
      margin: { l: 48, r: 8, t: 4, b: 36 },
    },
  };
}

function weightNote(
  { defaults, answers, statistics, maps }: LossSheet,
): string {
  return [
    `How strongly a step ${
      maps ? "raises log π(y_w) and lowers log π(y_l)" : "moves log π(y)"
    }: the derivative of the loss${defaults && `, with ${defaults}`}.`,
    "Below 0 a step does the reverse.",
    answers,
    ...(statistics
      ? ["Quantities of the batch have their values at π = π_ref."]
      : []),
  ].join(" ");
}

function layoutOf(
  { axis }: Curves,
  yaxis: Partial<LayoutAxis>,
): Partial<Layout> {
  return {
    xaxis: { title: { text: axis } },
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
    showlegend: false,
  }));
}

const [BLUE, VERMILION] = OKABE_ITO;

/** An axis that ends with the squares. */
function sideOf(answer: string, sides: readonly number[]): Partial<LayoutAxis> {
  const reach = sides.at(-1)! + (sides[1]! - sides[0]!) / 2;
  return {
    title: { text: `log π/π_ref of ${answer}, nats` },
    range: [-reach, reach],
  };
}

/**
 * Squares as bars without gaps, since the basic Plotly has no heat maps. They
 * are as opaque as their weights are large, on light and on dark pages.
 */
function squares({ name, weights }: WeightMap, sides: readonly number[]) {
  const step = sides[1]! - sides[0]!;
  const cells = sides.flatMap((w, i) =>
    sides.map((l, k) => ({ w, l, weight: rounded(weights[i]![k]!) }))
  );
  const all = cells.map(({ weight }) => weight);
  const largest = Math.max(...all.map(Math.abs)) || 1;
  const trace: BarTrace = {
    type: "bar",
    name,
    x: cells.map(({ w }) => w),
    y: cells.map(() => step),
    base: cells.map(({ l }) => l - step / 2),
    width: step,
    customdata: cells.map(({ l }) => l),
    hovertext: all.map(String),
    hovertemplate:
      "y<sub>w</sub> %{x}, y<sub>l</sub> %{customdata}: weight %{hovertext}<extra></extra>",
    marker: {
      color: Math.min(...all) < 0
        ? all.map((weight) => weight < 0 ? VERMILION : BLUE)
        : BLUE,
      opacity: all.map((weight) =>
        Number((Math.abs(weight) / largest).toFixed(3))
      ),
      line: { width: 0 },
    },
  };
  return [trace, keyOf(Math.min(...all) < 0, largest)];
}

/**
 * The key of the colours: blue where the loss does as named, paper for 0,
 * vermilion for the reverse.
 */
function keyOf(isSigned: boolean, largest: number): ScatterTrace {
  const colorscale: [number, string][] = isSigned
    ? [[0, VERMILION], [0.5, PAPER], [1, BLUE]]
    : [[0, PAPER], [1, BLUE]];
  return {
    type: "scatter",
    mode: "markers",
    x: [0],
    y: [null],
    showlegend: false,
    marker: {
      color: [0],
      ...{ colorscale, cmin: isSigned ? -largest : 0, cmax: largest },
      showscale: true,
      colorbar: { title: { text: "weight" }, thickness: 12 },
    },
  };
}
