import type { Panel, ScatterTrace, Table } from "../plot/figure.ts";
import { LOSSES } from "../losses/registry.ts";
import { labelledLines } from "../plot/labels.ts";
import { markStyle, type SeriesStyle } from "../plot/style.ts";
import { tableOf } from "../plot/tables.ts";
import { quantile } from "../stats/interval.ts";
import type { GridSettings, Level, Method } from "./grid.ts";
import type { SettingSummary } from "./summary.ts";

/** The measure of each run at the end of training that has it. */
export function endsOf({ ends }: SettingSummary, measure: string): number[] {
  return (ends[measure] ?? []).filter((value) => value !== null);
}

/** The losses of settings, each once, in their order. */
export function lossesOf(
  settings: readonly Pick<Method, "loss">[],
): string[] {
  return [...new Set(settings.map(({ loss }) => loss))];
}

const SYMBOLS: Readonly<Record<string, string>> = {
  beta: "β",
  lambda: "λ",
  tau: "τ",
  labelSmoothing: "ε",
};

/** The name of a setting in a figure: `dpo β 0.1`. */
export function nameOf(
  { loss, options, level }: Omit<Method, "learningRate"> & {
    level?: Level;
  },
): string {
  const values = Object.entries({ ...options, ...level }).map(([name, value]) =>
    `${SYMBOLS[name] ?? name} ${value}`
  );
  return [loss, ...values].join(" ");
}

/** The style of a method, as its loss declares it. */
export function methodStyle(id: string): SeriesStyle {
  return markStyle(LOSSES.find((loss) => loss.id === id)?.mark);
}

/** Says which runs the numbers of a figure come from. */
export function runsText(
  { draws, seeds }: Pick<GridSettings, "draws" | "seeds">,
): string {
  const counts = `${counted(draws.length, "draw")} of the reference model × ${
    counted(seeds.length, "seed")
  }`;
  return draws.length === 1
    ? `One draw of the reference model and ${
      counted(seeds.length, "seed")
    }: nothing here covers other draws, and no verdict follows.`
    : `Each dot is a run, of ${counts}; lines join medians.`;
}

/** A count and its unit, which has an s unless it is one. */
export function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** A number in five digits: more than a screen shows, and a small file. */
export function rounded(x: number): number {
  return Number(x.toPrecision(5));
}

/** A number as prose and tables show it. */
export function digits(x: number): string {
  return x.toFixed(2).replace(/^-(0\.00)$/, "$1");
}

/** A share in whole percent. */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
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
  const points = setting.trajectory.flatMap(({ step, medians }) => {
    const value = medians[measure];
    return value === undefined ? [] : [{ step, value }];
  });
  return {
    type: "scatter",
    mode: "lines+markers",
    name: nameOf(setting),
    x: points.map(({ step }) => step),
    y: points.map(({ value }) => rounded(value)),
    ...methodStyle(setting.loss),
  };
}

/** A table of the ends of training: a row for each setting. */
export function endTable(
  settings: readonly SettingSummary[],
  measures: Readonly<Record<string, string>>,
): Table {
  const ends = Object.entries(measures).map(([measure, heading]) =>
    [
      heading,
      (setting: SettingSummary) => spreadText(endsOf(setting, measure)),
    ] as const
  );
  return tableOf(settings, {
    caption: "At the end of training: median (smallest to largest run)",
    columns: {
      method: nameOf,
      "learning rate": ({ learningRate }) => learningRate.toExponential(),
      ...Object.fromEntries(ends),
    },
  });
}

/** Values as text: their median, and the smallest and the largest. */
export function spreadText(values: readonly number[]): string | null {
  if (values.length === 0) return null;
  const middle = digits(quantile(values, 0.5));
  if (values.length === 1) return middle;
  return `${middle} (${digits(Math.min(...values))} to ${
    digits(Math.max(...values))
  })`;
}
