import type { Annotations, Layout } from "plotly.js";
import type { ScatterTrace } from "./figure.ts";
import { subscripted } from "./page.ts";
import { textColor } from "./style.ts";

/** The end of a line, in positions on the axes, and the name of the line. */
export interface LineEnd {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  /** The colour of the line. */
  readonly color: string;
}

/**
 * Names beside the ends of lines, instead of a legend. Names that would lie on
 * one another are moved apart, as little as possible.
 *
 * @param options `range` is that of the y axis; `reach` is how far a name goes
 * to the right on the x axis: names further apart than that cannot meet;
 * `lineHeight` is that of a name as a share of the height of the plot.
 */
export function endLabels(
  ends: readonly LineEnd[],
  { range: [low, high], reach = Infinity, lineHeight = LINE_HEIGHT }: {
    range: readonly [low: number, high: number];
    reach?: number;
    lineHeight?: number;
  },
): Partial<Annotations>[] {
  const gap = lineHeight * (high - low);
  return columnsOf(ends, reach).flatMap((column) => {
    const sorted = column.toSorted((a, b) => a.y - b.y);
    const heights = spread(sorted.map(({ y }) => y), gap);
    return sorted.map(({ text, x, color }, i) => ({
      x,
      y: heights[i]!,
      text: subscripted(text),
      font: { color: textColor(color), size: 12 },
      showarrow: false,
      xanchor: "left" as const,
      xshift: 6,
    }));
  });
}

/**
 * The layout of a panel whose lines go to its right edge, with their names
 * beyond it and no legend.
 *
 * @param options `fromZero` says that the y axis begins at 0; `unnamed` are
 * further traces of the panel, which need no name and make the axis longer;
 * `lineHeight` is that of `endLabels`.
 */
export function labelledLines(
  lines: readonly ScatterTrace[],
  { fromZero = false, unnamed = [], lineHeight = LINE_HEIGHT }: {
    fromZero?: boolean;
    unnamed?: readonly ScatterTrace[];
    lineHeight?: number;
  } = {},
): Pick<Layout, "annotations" | "showlegend" | "margin"> {
  const ends = lines.flatMap(({ name, x, y, line }): LineEnd[] => {
    const last = y.findLastIndex((value) => value !== null);
    if (last < 0) return [];
    return [{
      text: `${name}`,
      x: Number(x[last]),
      y: Number(y[last]),
      color: `${line?.color}`,
    }];
  });
  const heights = [
    ...fromZero ? [0] : [],
    ...[...lines, ...unnamed].flatMap(heightsOf),
  ];
  const labels = endLabels(ends, {
    range: [Math.min(...heights), Math.max(...heights)],
    lineHeight,
  });
  return {
    // On the x axis they would make it longer.
    annotations: labels.map((label) => ({ ...label, xref: "paper", x: 1 })),
    showlegend: false,
    margin: { r: labelMargin(ends) },
  };
}

/** All heights of a line, with both ends of its error bars. */
function heightsOf({ y, error_y: bars }: ScatterTrace): number[] {
  const [up, down] = bars?.type === "data"
    ? [bars.array, bars.arrayminus ?? []]
    : [[], []];
  return y.flatMap((value, i) =>
    value === null
      ? []
      : [value + Number(up[i] ?? 0), value - Number(down[i] ?? 0)]
  );
}

/** The right margin of a panel whose lines end at its edge, in pixels. */
export function labelMargin(ends: readonly Pick<LineEnd, "text">[]): number {
  const shown = ends.map(({ text }) => text.replace(/<[^>]*>/g, ""));
  return 14 +
    Math.ceil(6.5 * Math.max(0, ...shown.map(({ length }) => length)));
}

/** The height of a line of text as a share of that of a plot of usual size. */
const LINE_HEIGHT = 0.055;

/** Groups ends that are so near on the x axis that their names could meet. */
function columnsOf(ends: readonly LineEnd[], reach: number): LineEnd[][] {
  const columns: LineEnd[][] = [];
  for (const end of ends.toSorted((a, b) => a.x - b.x)) {
    const last = columns.at(-1);
    if (last && end.x - last.at(-1)!.x < reach) last.push(end);
    else columns.push([end]);
  }
  return columns;
}

/**
 * The positions nearest to sorted ones, in the sum of squares, that are a gap
 * apart. Less i gaps they are an isotonic regression, which pools neighbours.
 */
export function spread(sorted: readonly number[], gap: number): number[] {
  const pools: { mean: number; n: number }[] = [];
  for (const [i, wanted] of sorted.entries()) {
    let pool = { mean: wanted - i * gap, n: 1 };
    for (let last = pools.at(-1); last && last.mean > pool.mean;) {
      const n = last.n + pool.n;
      pool = { mean: (last.mean * last.n + pool.mean * pool.n) / n, n };
      pools.pop();
      last = pools.at(-1);
    }
    pools.push(pool);
  }
  return pools.flatMap(({ mean, n }) => Array<number>(n).fill(mean))
    .map((mean, i) => mean + i * gap);
}
