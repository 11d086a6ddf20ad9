import type { Annotations, Layout } from "plotly.js";
import type { ScatterTrace } from "../plot/figure.ts";
import { endLabels, labelMargin, type LineEnd } from "../plot/labels.ts";
import {
  frontier,
  type Point,
  type RunCloud,
  runClouds,
} from "../plot/reward_plane.ts";
import { rootScale } from "../plot/scales.ts";
import { type SeriesStyle, textColor } from "../plot/style.ts";
import { quantile } from "../stats/interval.ts";
import { endsOf, nameOf } from "./figure_parts.ts";
import type { SettingSummary } from "./summary.ts";

/** A policy in the plane of reward and distance. */
export interface PlanePoint {
  readonly reward: number;
  /** From the reference model, in nats. */
  readonly kl: number;
}

/** The plane of reward and distance, on which runs stand. */
export interface RunPlane {
  /** The position of a policy; one beyond the axes stands at their edge. */
  at(policy: PlanePoint): Point;
  /** The attainable reward as a line, with the region above it shaded. */
  frontier(attainable: readonly PlanePoint[]): ScatterTrace[];
  /** The runs of a setting at the end of training, and their medians. */
  cloud(setting: SettingSummary): RunCloud;
  /** A line through the medians of settings, with their runs. */
  path(settings: readonly SettingSummary[], named: Named): PlaneMark;
  /** A hollow mark at an optimum. */
  optimum(policy: PlanePoint, named: Named): PlaneMark;
  /** The axes in the layout of a panel without a legend. */
  axes(distance: string): Pick<Layout, "showlegend" | "xaxis" | "yaxis">;
  /** The names of marks in the layout, with the room that they need. */
  names(marks: readonly PlaneMark[]): Pick<Layout, "annotations" | "margin">;
}

/** Something in the plane that has a name. */
export interface PlaneMark {
  readonly data: readonly ScatterTrace[];
  /** The end of a line, where its name stands. */
  readonly end?: LineEnd;
  /** The name of anything else. */
  readonly label?: Partial<Annotations>;
}

/** How far a name goes to the right, in roots of nats. */
const NAME = 0.5;

/** The name and the look of something in a plot. */
export interface Named {
  readonly name: string;
  readonly style: SeriesStyle;
}

/**
 * The plane of a panel.
 *
 * @param options `reach`: its last distance, in nats; `rewards`: the least and
 * the largest; `measure`: the name of the reward among those of the runs.
 */
export function runPlane(
  { reach, rewards, measure }: {
    reach: number;
    rewards: readonly [least: number, largest: number];
    measure: string;
  },
): RunPlane {
  const scale = rootScale(reach);
  const [least, largest] = rewards;
  const at = ({ reward, kl }: PlanePoint): Point => ({
    x: scale.position(Math.min(kl, reach)),
    y: Math.max(least, Math.min(largest, reward)),
  });
  const cloud = (setting: SettingSummary): RunCloud => ({
    name: nameOf(setting),
    runs: endPoints(setting, measure).map(at),
    middle: at(middleOf(setting, measure)),
  });
  return {
    at,
    cloud,
    frontier: (attainable) => {
      const curve = attainable.filter(({ kl }) => kl <= reach).map(at);
      return frontier(curve, { name: "attainable", top: largest });
    },
    path: (settings, { name, style }) => {
      const clouds = settings.map(cloud);
      const { middle } = clouds.at(-1)!;
      const end = { ...middle, text: name, color: style.line.color };
      return { data: runClouds(clouds, { name, ...style }), end };
    },
    optimum: (policy, named) => optimumMark(at(policy), named),
    axes: (distance) => ({
      showlegend: false,
      xaxis: scale.axis(distance),
      yaxis: { title: { text: "gold reward" }, range: [...rewards] },
    }),
    names: (marks) => {
      const ends = marks.flatMap(({ end }) => end ?? []);
      return {
        annotations: [
          ...endLabels(ends, { range: rewards, reach: NAME }),
          ...marks.flatMap(({ label }) => label ?? []),
        ],
        margin: { r: labelMargin(ends) },
      };
    },
  };
}

function optimumMark(
  { x, y }: Point,
  { name, style: { line: { color }, marker } }: Named,
): PlaneMark {
  return {
    data: [{
      ...{ type: "scatter", mode: "markers", name, x: [x], y: [y] },
      marker: { ...marker, symbol: "diamond-open", size: 12 },
    }],
    label: {
      ...{ x, y, text: name, xanchor: "right" },
      font: { color: textColor(color), size: 12 },
      // Into the region where nothing else is.
      ...{ ax: -60, ay: -45, arrowhead: 0, arrowcolor: color, standoff: 7 },
    },
  };
}

/** The end of each run that has both measures. */
function endPoints({ ends }: SettingSummary, measure: string): PlanePoint[] {
  const [rewards = [], kls = []] = [ends[measure], ends["kl"]];
  return rewards.flatMap((reward, i) => {
    const kl = kls[i] ?? null;
    return reward === null || kl === null ? [] : [{ reward, kl }];
  });
}

/** The median reward at the end of training, and the median distance. */
export function middleOf(
  setting: SettingSummary,
  measure: string,
): PlanePoint {
  const [reward, kl] = [measure, "kl"].map((name) =>
    quantile(endsOf(setting, name), 0.5)
  );
  return { reward: reward!, kl: kl! };
}
