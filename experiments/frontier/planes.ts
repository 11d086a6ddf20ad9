import type { Annotations, LayoutAxis } from "plotly.js";
import { endsOf, methodStyle } from "lib/experiment/figure_parts.ts";
import { middleOf, type PlanePoint } from "lib/experiment/run_plane.ts";
import type { Panel, ScatterTrace } from "lib/plot/figure.ts";
import { endLabels, type LineEnd } from "lib/plot/labels.ts";
import {
  frontier,
  isoLines,
  type Point,
  runClouds,
  shareKey,
  ways,
} from "lib/plot/reward_plane.ts";
import { rootScale } from "lib/plot/scales.ts";
import { INK, MUTED, PAPER } from "lib/plot/style.ts";
import { quantile } from "lib/stats/interval.ts";
import {
  attainableReward,
  type ExactNumbers,
} from "../reviews/exact_numbers.ts";
import { type FrontierSetting, RUNAWAY } from "./summary.ts";

/** The axes: runs beyond the last distance stand side by side at an edge. */
const SCALE = rootScale(RUNAWAY);
const END = SCALE.position(RUNAWAY);
const EDGE = END + 0.1;
const LAST = `> ${RUNAWAY}`;
const TOP = 4.1;

/** Each method at one value: the plane that a reader sees first. */
export function mainPlane(
  settings: readonly FrontierSetting[],
  exact: ExactNumbers,
  words: { title: string; note: string },
): Panel {
  const curve = curveOf(exact);
  const lines = isoLines(curve, { shares: [0.75, 0.5], of: "attainable" });
  const marks = marksOf(settings);
  const names = settings.map((own) => endOf(own, own.name, medianOf(own)));
  return {
    ...words,
    wide: true,
    data: [
      ...frontier(curve, { name: "attainable", top: TOP }),
      ...lines.data,
      bestOfTrace(exact),
      ...marks.data,
      shareKey("broken reviews"),
    ],
    layout: {
      showlegend: false,
      hovermode: "closest",
      xaxis: axisOf("KL from the reference model, nats"),
      yaxis: { title: { text: "gold reward" }, range: [0, TOP] },
      annotations: [
        ...lines.annotations,
        ...marks.annotations,
        ...endLabels(names, { range: [0, TOP], reach: 0.25 }).map(onPaper),
        remark({ x: 0.08, y: 3.85 }, "no policy can be here"),
        ...optimumRemark(settings),
      ],
    },
  };
}

/** All values of a method, small: each is named at its optimum, if it has one. */
export function smallPlane(
  title: string,
  settings: readonly FrontierSetting[],
  { exact, nameOf }: {
    exact: ExactNumbers;
    nameOf: (setting: FrontierSetting) => string;
  },
): Panel {
  const marks = marksOf(settings);
  return {
    title,
    small: true,
    data: [...frontier(curveOf(exact), { name: "", top: TOP }), ...marks.data],
    layout: {
      showlegend: false,
      hovermode: "closest",
      xaxis: {
        ...axisOf("KL, nats"),
        tickvals: [0, 1, EDGE],
        ticktext: ["0", "1", LAST],
      },
      yaxis: { title: { text: "reward" }, range: [0, TOP], dtick: 1 },
      margin: { l: 4, r: 16, t: 4, b: 4 },
      annotations: [
        ...marks.annotations,
        ...smallLabels(settings, nameOf),
      ],
    },
  };
}

/** Names left of optima, where nothing can be, or above medians. */
function smallLabels(
  settings: readonly FrontierSetting[],
  nameOf: (setting: FrontierSetting) => string,
): Partial<Annotations>[] {
  const options = { range: [0, TOP], reach: 0.5, lineHeight: 0.09 } as const;
  const [left, above] = [true, false].map((isKnown) => {
    const own = settings.filter(({ optimum }) => isKnown === Boolean(optimum));
    const ends = own.map((each) =>
      endOf(each, nameOf(each), each.optimum ?? medianOf(each))
    );
    return endLabels(ends, options);
  });
  return [
    ...left!.map((label) => ({
      ...{ ...label, xanchor: "right" as const, xshift: -8 },
    })),
    ...above!.map((label) => ({
      // A name at the edge stays within the plot.
      ...{ ...label, x: Math.min(Number(label.x), 0.8 * END) },
      ...{ xanchor: "center" as const, xshift: 0, yshift: 14 },
    })),
  ];
}

function axisOf(title: string): Partial<LayoutAxis> {
  const { tickvals = [], ticktext = [], ...axis } = SCALE.axis(title);
  return {
    ...axis,
    range: [0, EDGE + 0.03],
    tickvals: [...tickvals, EDGE],
    ticktext: [...ticktext, LAST],
    tickangle: 0,
  };
}

function at({ kl, reward }: PlanePoint): Point {
  return { x: kl > RUNAWAY ? EDGE : SCALE.position(kl), y: reward };
}

function curveOf(exact: ExactNumbers): Point[] {
  const points = exact.attainable.filter(({ kl }) => kl < RUNAWAY);
  const end = { kl: RUNAWAY, reward: attainableReward(exact, RUNAWAY) };
  return [{ kl: 0, reward: 0 }, ...points, end].map(at);
}

const medianOf = (setting: FrontierSetting) => middleOf(setting, "goldReward");

/** Runs, medians, optima and the arrows from these to those. */
function marksOf(settings: readonly FrontierSetting[]) {
  const clouds = settings.map((setting) => {
    const { name, loss, paths } = setting;
    const runs = paths.map((path) => at(path.at(-1)!));
    const { marker } = methodStyle(loss);
    const cloud = { name, runs, middle: at(medianOf(setting)) };
    return runClouds([cloud], { name, marker });
  });
  const arrows = settings.flatMap((setting) => {
    const { name, loss, optimum } = setting;
    if (!optimum) return [];
    const share = quantile(endsOf(setting, "broken"), 0.5);
    const way = { name, from: at(optimum), to: at(medianOf(setting)), share };
    return [ways([way], methodStyle(loss))];
  });
  return {
    data: [
      ...clouds.map(([dots]) => dots),
      ...arrows.flatMap(({ data }) => data),
      ...clouds.map(([, middle]) => middle),
    ],
    annotations: arrows.flatMap(({ annotations }) => annotations),
  };
}

function endOf(
  setting: FrontierSetting,
  text: string,
  point: PlanePoint,
): LineEnd {
  const { color } = methodStyle(setting.loss).line;
  return { ...at(point), text, color };
}

function bestOfTrace({ bestOf }: ExactNumbers): ScatterTrace {
  const points = bestOf.map(at);
  return {
    type: "scatter",
    mode: "markers",
    name: "best of n",
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    text: bestOf.map(({ n }) => `best of ${n}`),
    marker: { color: INK, symbol: "x-thin-open", size: 8 },
    hovertemplate: "%{text}: %{y:.2f}<extra></extra>",
  };
}

/** Says of the highest optimum what the hollow marks are. */
function optimumRemark(settings: readonly FrontierSetting[]) {
  const [highest] = settings.flatMap(({ optimum }) => optimum ?? [])
    .toSorted((a, b) => b.reward - a.reward);
  return highest
    ? [{
      ...remark(at(highest), "optimum of<br>the loss itself"),
      xshift: 9,
      yanchor: "top" as const,
    }]
    : [];
}

/** A name that marks below it do not cross out. */
function onPaper(label: Partial<Annotations>): Partial<Annotations> {
  return { ...label, bgcolor: `${PAPER}B0`, borderpad: 0 };
}

function remark(point: Point, text: string) {
  return {
    ...point,
    text,
    ...{ showarrow: false, xanchor: "left", align: "left" } as const,
    font: { color: MUTED, size: 12 },
  };
}
