import { LOSSES } from "../losses/registry.ts";
import type { Panel, ScatterTrace } from "../plot/figure.ts";
import { escapeHtml, rounded, subscripted } from "../plot/page.ts";
import { markStyle, type SeriesStyle, seriesStyle } from "../plot/style.ts";
import type { MetricsRow } from "../record/metrics.ts";

/** A run and its rows, for its curves. */
export interface CurveSource {
  readonly name: string;
  readonly loss: string;
  readonly rows: readonly MetricsRow[];
}

/** Points of a curve up to which it is drawn whole. */
const WHOLE = 200;
/** Points of a curve that are marked. */
const MARKED = 40;

/** Measures that tell most, in this order. */
const TELLING = [
  /^loss$/,
  /\bloss$/,
  /accurac/i,
  /margin/i,
  /^kl$/,
  /reward$/i,
];

/** Numbers in rows that are of the run rather than of the policy. */
const COUNTS = /^(step|epoch|examples|tokens|seconds|learningRate)$/;

/** Names of the measures that rows have, those that tell most first. */
export function measuresOf(rows: readonly MetricsRow[]): string[] {
  const names = new Set(
    rows.flatMap((row) =>
      Object.keys(row).filter((name) => !COUNTS.test(name))
    ),
  );
  const rank = (name: string) => {
    const found = TELLING.findIndex((pattern) => pattern.test(name));
    return found < 0 ? TELLING.length : found;
  };
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** Measures in a row that have a value, those that tell most first. */
export function measuredIn(
  row: MetricsRow | undefined,
): Record<string, number> {
  if (!row) return {};
  return Object.fromEntries(
    measuresOf([row]).flatMap((name) => {
      const value = row[name];
      return typeof value === "number" ? [[name, value]] : [];
    }),
  );
}

/** A plot for each measure, with a curve for each run. */
export function curvePlots(
  sources: readonly CurveSource[],
): Pick<Panel, "title" | "data" | "layout">[] {
  // A row in the middle has the measures of most.
  const names = measuresOf(sources.flatMap(({ rows }) => sampleOf(rows)));
  const styles = stylesOf(sources);
  return names.map((measure) => ({
    title: measure,
    data: sources.flatMap((source, i) =>
      curveOf(source, { measure, style: styles[i]! })
    ),
    layout: {
      showlegend: false,
      hovermode: "closest" as const,
      margin: { t: 8, r: 8 },
      xaxis: { title: { text: "step" }, rangemode: "tozero" as const },
    },
  }));
}

/** Rows that are enough to see which measures there are. */
function sampleOf(rows: readonly MetricsRow[]): readonly MetricsRow[] {
  return [...rows.slice(0, 50), ...rows.slice(-50)];
}

/** The looks of runs: of their methods, where they differ in these. */
export function stylesOf(
  sources: readonly Pick<CurveSource, "loss">[],
): SeriesStyle[] {
  const isOne = new Set(sources.map(({ loss }) => loss)).size === 1;
  return sources.map(({ loss }, i) =>
    isOne
      ? seriesStyle(i)
      : markStyle(LOSSES.find(({ id }) => id === loss)?.mark)
  );
}

/** The curve of a measure: of many points the means, and all faintly behind. */
function curveOf(
  source: CurveSource,
  { measure, style }: {
    measure: string;
    style: SeriesStyle;
  },
): ScatterTrace[] {
  const points = source.rows.flatMap((row): Point[] => {
    const value = row[measure];
    return typeof value === "number" ? [[row.step, value]] : [];
  });
  if (points.length === 0) return [];
  const curve = traceOf(source.name, averaged(points), style);
  if (points.length <= WHOLE) return [curve];
  const { x, y } = traceOf(source.name, extremes(points), style);
  return [{ ...curve, x, y, opacity: 0.3, hoverinfo: "skip" }, curve];
}

function traceOf(
  name: string,
  points: readonly Point[],
  style: SeriesStyle,
): ScatterTrace {
  return {
    type: "scatter",
    mode: points.length > MARKED ? "lines" : "lines+markers",
    // Plotly reads tags and entities in names.
    name: subscripted(escapeHtml(name)),
    x: points.map(([step]) => step),
    y: points.map(([, value]) => rounded(value)),
    hovertemplate: "%{fullData.name}<br>step %{x}: %{y}<extra></extra>",
    line: { ...style.line, width: 1.5 },
    marker: { ...style.marker, size: 5 },
  };
}

type Point = readonly [step: number, value: number];

/** The mean of each stretch of points, at its end, and few points as they are. */
export function averaged(points: readonly Point[]): Point[] {
  if (points.length <= WHOLE) return [...points];
  return stretchesOf(points, WHOLE).map((part) => [
    part.at(-1)![0],
    part.reduce((sum, [, value]) => sum + value, 0) / part.length,
  ]);
}

/** The smallest and the largest of each stretch of points. */
export function extremes(points: readonly Point[]): Point[] {
  return stretchesOf(points, WHOLE).flatMap((part) => {
    const sorted = part.toSorted(([, a], [, b]) => a - b);
    return [sorted[0]!, sorted.at(-1)!].sort(([a], [b]) => a - b);
  });
}

function stretchesOf(points: readonly Point[], most: number): Point[][] {
  const length = Math.ceil(points.length / most);
  return Array.from(
    { length: Math.ceil(points.length / length) },
    (_, i) => points.slice(i * length, (i + 1) * length),
  );
}
