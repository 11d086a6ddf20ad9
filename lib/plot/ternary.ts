import type { Annotations } from "plotly.js";
import type { Panel, ScatterTrace } from "./figure.ts";
import { rounded, subscripted } from "./page.ts";
import { GRID, INK, PAPER, textColor } from "./style.ts";

/** The probabilities of three answers, in the order of the corners. */
export type Shares = readonly [first: number, second: number, third: number];

/** A way through the triangle. */
export interface TernaryPath {
  /** For the pointer. */
  readonly name: string;
  readonly color: string;
  readonly points: readonly Shares[];
  /** A word beside its end. @default none */
  readonly label?: {
    readonly text: string;
    readonly side: "left" | "right";
    /** Pixels up. @default 0 */
    readonly up?: number;
  };
}

/**
 * A small panel of ways through the simplex of three answers: hollow where
 * they start, filled where they end.
 *
 * @param corners the answers at the left, at the right and at the top.
 */
export function ternaryPanel(
  { title, note, corners, paths }: {
    title: string;
    note?: string;
    corners: readonly [left: string, right: string, top: string];
    paths: readonly TernaryPath[];
  },
): Panel {
  const hidden = { visible: false, fixedrange: true };
  return {
    title,
    ...note === undefined ? {} : { note },
    small: true,
    data: [...frame(), ...paths.flatMap((path) => pathTraces(path, corners))],
    layout: {
      // More on the left, where a name may begin far from the end of its line.
      xaxis: { ...hidden, range: [-0.2, 1.1] },
      yaxis: {
        ...hidden,
        range: [-0.16, 1],
        scaleanchor: "x",
        constrain: "domain",
      },
      margin: { l: 4, r: 4, t: 4, b: 4 },
      showlegend: false,
      hovermode: "closest",
      annotations: [
        ...corners.map((name, i) => corner(name, i)),
        ...paths.flatMap(labelOf),
      ],
    },
  };
}

const CORNERS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]] as const;
const HEIGHT = Math.sqrt(3) / 2;

function positionOf([, second, third]: Shares): { x: number; y: number } {
  return {
    x: rounded(second + third / 2),
    y: rounded(third * HEIGHT),
  };
}

/** The triangle, and lines of probability a quarter, a half, three quarters. */
function frame(): ScatterTrace[] {
  const grid = [0.25, 0.5, 0.75].flatMap((p) =>
    [
      [[p, 1 - p, 0], [p, 0, 1 - p]],
      [[1 - p, p, 0], [0, p, 1 - p]],
      [[1 - p, 0, p], [0, 1 - p, p]],
    ] as [Shares, Shares][]
  );
  const [left, right, top] = CORNERS;
  return [
    ...grid.map((ends) => ({ ...line(ends), line: { color: GRID, width: 1 } })),
    { ...line([left, right, top, left]), line: { color: INK, width: 1.25 } },
  ];
}

function line(points: readonly Shares[]): ScatterTrace {
  const positions = points.map(positionOf);
  return {
    type: "scatter",
    mode: "lines",
    x: positions.map(({ x }) => x),
    y: positions.map(({ y }) => y),
    hoverinfo: "skip",
  };
}

function pathTraces(
  { name, color, points }: TernaryPath,
  corners: readonly string[],
): ScatterTrace[] {
  const ends = [points[0]!, points.at(-1)!];
  const words = (shares: Shares) =>
    shares.map((share, i) => `${subscripted(corners[i]!)} ${share.toFixed(3)}`)
      .join(", ");
  return [
    { ...line(points), name, line: { color, width: 2.5 } },
    {
      ...line(ends),
      mode: "markers",
      name,
      text: ends.map((end, i) => `${i === 0 ? "start" : name}: ${words(end)}`),
      hoverinfo: "text",
      marker: {
        color: [PAPER, color],
        size: [7, 10],
        opacity: 1,
        line: { color, width: 1.75 },
      },
    },
  ];
}

/** The names of the lower corners lie between them, where there is room. */
const ANCHORS = ["left", "right", "center"] as const;

function corner(name: string, index: number): Partial<Annotations> {
  const { x, y } = positionOf(CORNERS[index]!);
  return {
    x,
    y,
    text: subscripted(name),
    showarrow: false,
    xanchor: ANCHORS[index]!,
    xshift: [-12, 12, 0][index]!,
    font: { color: INK, size: 13 },
    yanchor: index === 2 ? "bottom" : "top",
    yshift: index === 2 ? 2 : -2,
  };
}

function labelOf(
  { color, points, label }: TernaryPath,
): Partial<Annotations>[] {
  if (!label) return [];
  const { text, side, up = 0 } = label;
  return [{
    ...positionOf(points.at(-1)!),
    text,
    showarrow: false,
    font: { color: textColor(color), size: 12 },
    xanchor: side === "left" ? "right" : "left",
    xshift: side === "left" ? -14 : 8,
    yshift: up,
  }];
}
