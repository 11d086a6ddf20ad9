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

/** Something in the plane that has a name. */
export interface PlaneMark {
  readonly data: readonly ScatterTrace[];
  /** The end of a line, where its name stands. */
  readonly end?: LineEnd;
  /** The name of anything else. */
  readonly label?: Partial<Annotations>;
}

/** The name and the look of something in a plot. */
export interface Named {
  readonly name: string;
  readonly style: SeriesStyle;
}

/** How far a name goes to the right, in roots of nats. */
const NAME = 0.5;

/** The plane of reward and distance, on which runs stand. */
export class RunPlane {
  /**
   * @param options `reach`: the last distance, in nats; `rewards`: the least
   * and the largest; `measure`: the name of the reward in the ends of runs.
   */
  constructor(
    private readonly options: {
      reach: number;
      rewards: readonly [least: number, largest: number];
      measure: string;
    },
  ) {}

  /** The position of a policy; one beyond the axes stands at their edge. */
  at({ reward, kl }: PlanePoint): Point {
    const { reach, rewards: [least, largest] } = this.options;
    return {
      x: rootScale(reach).position(Math.min(kl, reach)),
      y: Math.max(least, Math.min(largest, reward)),
    };
  }

  /** The attainable reward as a line, with the region above it shaded. */
  frontier(attainable: readonly PlanePoint[]): ScatterTrace[] {
    const { reach, rewards: [, top] } = this.options;
    const curve = attainable.filter(({ kl }) => kl <= reach);
    return frontier(curve.map((point) => this.at(point)), {
      ...{ name: "attainable", top },
    });
  }

  /** The runs of a setting at the end of training, and their medians. */
  cloud(setting: SettingSummary): RunCloud {
    const { measure } = this.options;
    return {
      name: nameOf(setting),
      runs: endPoints(setting, measure).map((end) => this.at(end)),
      middle: this.at(middleOf(setting, measure)),
    };
  }

  /** A line through the medians of settings, with their runs. */
  path(
    settings: readonly SettingSummary[],
    { name, style }: Named,
  ): PlaneMark {
    const clouds = settings.map((setting) => this.cloud(setting));
    const { middle } = clouds.at(-1)!;
    return {
      data: runClouds(clouds, { name, ...style }),
      end: { ...middle, text: name, color: style.line.color },
    };
  }

  /** A hollow mark at an optimum. */
  optimum(policy: PlanePoint, named: Named): PlaneMark {
    return optimumMark(this.at(policy), named);
  }

  /** The axes in the layout of a panel without a legend. */
  axes(distance: string): Pick<Layout, "showlegend" | "xaxis" | "yaxis"> {
    const { reach, rewards } = this.options;
    return {
      showlegend: false,
      xaxis: rootScale(reach).axis(distance),
      yaxis: { title: { text: "gold reward" }, range: [...rewards] },
    };
  }

  /** The names of marks in the layout, with the room that they need. */
  names(marks: readonly PlaneMark[]): Pick<Layout, "annotations" | "margin"> {
    const { rewards } = this.options;
    const ends = marks.flatMap(({ end }) => end ?? []);
    return {
      annotations: [
        ...endLabels(ends, { range: rewards, reach: NAME }),
        ...marks.flatMap(({ label }) => label ?? []),
      ],
      margin: { r: labelMargin(ends) },
    };
  }
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
