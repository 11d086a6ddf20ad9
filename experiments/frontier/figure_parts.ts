import type { ErrorBar } from "plotly.js";
import type { Interval } from "lib/stats/interval.ts";
import type { Method } from "./settings.ts";
import type { Intervals, SettingSummary, Summary } from "./summary.ts";

/** The colour of what is true rather than measured. */
export const INK = "#000000";

/** A method at each value of its β or λ. */
export function settingsOf(
  { settings }: Summary,
  { loss }: Method,
): readonly SettingSummary[] {
  return settings.filter((setting) => setting.loss === loss);
}

/** Measures at the end of training. */
export function endOf({ trajectory }: SettingSummary): Intervals {
  return trajectory.at(-1)!.measures;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  beta: "β",
  lambda: "λ",
  learningRate: "rate",
};

/** `dpo β 0.1` */
export function nameOf(setting: SettingSummary): string {
  const { loss, option } = setting;
  if (option === null) return loss;
  return `${loss} ${SYMBOLS[option] ?? option} ${valueOf(setting)}`;
}

/** The value of its β, λ or rate. */
export function valueOf({ option, value }: SettingSummary): string {
  return option === "learningRate" ? value.toExponential() : `${value}`;
}

/** Paler than the points: intervals of several series overlap. */
export function errorBar(
  intervals: readonly Interval[],
  { color, scale = (x) => x }: { color: string; scale?: (x: number) => number },
): ErrorBar {
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
  };
}

/** Five digits are more than a screen shows, and keep the file small. */
export function rounded(x: number): number {
  return Number(x.toPrecision(5));
}

/** As prose and tables show a number. */
export function digits(x: number): string {
  return x.toFixed(2);
}
