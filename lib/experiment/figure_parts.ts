import type { ErrorBar } from "plotly.js";
import type { Panel, ScatterTrace, Table } from "../plot/figure.ts";
import { LOSSES } from "../losses/registry.ts";
import { labelledLines } from "../plot/labels.ts";
import { markStyle, type SeriesStyle } from "../plot/style.ts";
import type { Interval } from "../stats/interval.ts";
import type { Intervals, SettingSummary } from "./summary.ts";

/** Measures at the end of training. */
export function endOf({ trajectory }: SettingSummary): Intervals {
  return trajectory.at(-1)!.measures;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  beta: "β",
  lambda: "λ",
  learningRate: "rate",
};

/** The name of a setting in a figure: `dpo β 0.1`. */
export function nameOf(setting: SettingSummary): string {
  const { loss, option } = setting;
  if (option === null) return loss;
  return `${loss} ${SYMBOLS[option] ?? option} ${valueOf(setting)}`;
}

/** The value of the option that varies, as text. */
export function valueOf({ option, value }: SettingSummary): string {
  return option === "learningRate" ? value.toExponential() : `${value}`;
}

/** The style of a method, as its loss declares it. */
export function methodStyle(id: string): SeriesStyle {
  return markStyle(LOSSES.find((loss) => loss.id === id)?.mark);
}

/** Says over how many seeds the numbers of a figure are means. */
export function seedsText(seeds: number): string {
  return seeds === 1
    ? "One seed, so there are no intervals."
    : `Means over ${seeds} seeds with 95 % intervals.`;
}

/**
 * Error bars. They are paler than the points, since those of series overlap.
 * Points without intervals have none.
 */
export function errorBar(
  intervals: readonly Interval[],
  { color, scale = (x) => x }: { color: string; scale?: (x: number) => number },
): ErrorBar {
  const isKnown = intervals.some(({ low }) => low !== null);
  const length = (from: number, to: number | null) =>
    to === null ? 0 : rounded(Math.abs(scale(to) - scale(from)));
  return {
    type: "data",
    symmetric: false,
    array: intervals.map(({ mean, high }) => length(mean, high)),
    arrayminus: intervals.map(({ mean, low }) => length(mean, low)),
    color: `${color}66`,
    thickness: 1,
    width: 3,
    ...isKnown ? {} : { visible: false },
  };
}

/** A number in five digits: more than a screen shows, and a small file. */
export function rounded(x: number): number {
  return Number(x.toPrecision(5));
}

/** A number as prose and tables show it. */
export function digits(x: number): string {
  return x.toFixed(2);
}

/** A measure along training, and the words of its panel. */
export interface Curve {
  readonly measure: string;
  readonly title: string;
  /** Title of the y axis, with its unit. */
  readonly axis: string;
  readonly note?: string;
}

/** A panel of a measure along the training of each setting. */
export function curvePanel(
  settings: readonly SettingSummary[],
  { measure, title, axis, note }: Curve,
): Panel {
  const data = settings.map((setting) => trainingCurve(setting, measure));
  return {
    title,
    ...(note ? { note } : {}),
    data,
    layout: {
      ...labelledLines(data),
      xaxis: { title: { text: "step" }, rangemode: "tozero" },
      yaxis: { title: { text: axis } },
    },
  };
}

function trainingCurve(
  setting: SettingSummary,
  measure: string,
): ScatterTrace {
  const points = setting.trajectory.flatMap(({ step, measures }) => {
    const interval = measures[measure];
    return interval ? [{ step, interval }] : [];
  });
  const style = methodStyle(setting.loss);
  return {
    type: "scatter",
    mode: "lines+markers",
    name: nameOf(setting),
    x: points.map(({ step }) => step),
    y: points.map(({ interval }) => rounded(interval.mean)),
    ...style,
    error_y: errorBar(points.map(({ interval }) => interval), {
      color: style.line.color,
    }),
  };
}

/** A table of the ends of training: a row for each setting. */
export function endTable<S extends SettingSummary>(
  settings: readonly S[],
  columns: Readonly<Record<string, (setting: S) => Interval>>,
): Table {
  return {
    caption: "At the end of training",
    columns: ["method", "learning rate", ...Object.keys(columns)],
    rows: settings.map((setting) => [
      nameOf(setting),
      setting.learningRate.toExponential(),
      ...Object.values(columns).map((interval) => cell(interval(setting))),
    ]),
  };
}

function cell({ mean, low, high }: Interval): string {
  return low === null || high === null
    ? digits(mean)
    : `${digits(mean)} ± ${digits((high - low) / 2)}`;
}
