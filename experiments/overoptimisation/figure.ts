import {
  digits,
  endTable,
  methodStyle,
  nameOf,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import { type PlaneMark, RunPlane } from "lib/experiment/run_plane.ts";
import type { Figure, Panel, ScatterTrace } from "lib/plot/figure.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { loosestSetting } from "./claims.ts";
import { BONUS } from "./settings.ts";
import type { HoldSetting, Summary } from "./summary.ts";

/** Where planes end, in nats. */
const REACH = 4;

const NAMES = { dpo: "DPO", ipo: "IPO", hinge: "SLiC's hinge" };
const LOSSES = ["dpo", "ipo", "hinge"] as const;

/** The figure of a summary. Equal summaries give equal figures. */
export function overoptimisationFigure(summary: Summary): Figure {
  const { settings } = summary;
  return {
    title: titleOf(settings),
    text: [
      `Answers of at most three words are compared by a known reward, or by a proxy: that reward and a bonus of ${BONUS} for the words “not great”. Each pair is seen once. All numbers are exact: no sampling of text.`,
      runsText(summary),
    ],
    panels: [
      planePanel(summary, BONUS),
      planePanel(summary, 0),
      proxyPanel(summary),
    ],
    pictured: 2,
    tables: [
      fallTable(settings),
      endTable(settings, {
        reward: "gold reward",
        proxy: "labels' reward",
        kl: "KL (nats)",
        praised: "“not great”",
        illFormed: "ill-formed",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(settings: readonly HoldSetting[]): string {
  const way = (bonus: number) => {
    const setting = loosestSetting(settings, "dpo", bonus);
    if (!setting) return "nothing";
    const { peaks, ends } = setting;
    const end = ends["reward"]!.filter((value) => value !== null);
    return `${digits(quantile(peaks, 0.5))} to ${digits(quantile(end, 0.5))}`;
  };
  return `Within one pass DPO's gold reward falls from ${
    way(BONUS)
  } where labels like “not great” too much, and from ${
    way(0)
  } where they do not`;
}

function planePanel(summary: Summary, bonus: number): Panel {
  const plane = new RunPlane({
    ...{ reach: REACH, rewards: [-1.5, 4.5], measure: "reward" },
  });
  const paths = LOSSES.flatMap((loss) => {
    const setting = loosestSetting(summary.settings, loss, bonus);
    return setting ? [pathOf(setting, plane, NAMES[loss])] : [];
  });
  const marks = [...paths, objectivePath(summary.settings, plane, bonus)];
  return {
    title: bonus
      ? "Labels by a proxy: gold reward along one pass"
      : "Labels by the gold reward, along one pass",
    note:
      `Lines are medians over runs at each checkpoint, at the smallest β or τ; dots are ends of runs. Hollow diamonds are the optima of DPO's own objective at β 3, 1 and 0.3, exact. Nothing can be in the shaded region. What lies beyond ${REACH} nats stands at the edge.`,
    data: [
      ...plane.frontier(summary.reference.attainable),
      ...marks.flatMap(({ data }) => data),
    ],
    layout: {
      ...plane.axes("KL from the reference model, nats (root scale)"),
      ...plane.names(marks),
    },
  };
}

/** Medians along training, and a dot at the end of each run. */
function pathOf(
  setting: HoldSetting,
  plane: RunPlane,
  name: string,
): PlaneMark {
  const style = methodStyle(setting.loss);
  const { data: [dots] } = plane.path([setting], { name, style });
  const points = setting.trajectory.map(({ medians }) =>
    plane.at({ reward: medians["reward"]!, kl: medians["kl"]! })
  );
  return {
    data: [{ ...dots! }, lineOf(points, { name, ...style })],
    end: { ...points.at(-1)!, text: name, color: style.line.color },
  };
}

/** The optima of DPO's objective, from the largest β. */
function objectivePath(
  settings: readonly HoldSetting[],
  plane: RunPlane,
  bonus: number,
): PlaneMark {
  const { line, marker } = methodStyle("dpo");
  const points = settings.flatMap(({ loss, level, optimum }) =>
    loss === "dpo" && level["bonus"] === bonus && optimum
      ? [plane.at(optimum)]
      : []
  );
  const name = "DPO's objective";
  const trace = lineOf(points, {
    ...{ name, line: { ...line, dash: "dot" } },
    marker: { ...marker, symbol: "diamond-open", size: 10 },
  });
  const end = points.at(-1);
  return {
    data: [trace],
    ...end ? { end: { ...end, text: name, color: line.color } } : {},
  };
}

function lineOf(
  points: readonly { x: number; y: number }[],
  look: Pick<ScatterTrace, "name" | "line" | "marker">,
): ScatterTrace {
  return {
    ...{ type: "scatter", mode: "lines+markers", showlegend: false, ...look },
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
  };
}

function proxyPanel({ settings }: Summary): Panel {
  const plane = new RunPlane({
    ...{ reach: REACH, rewards: [-1.5, 6.5], measure: "proxy" },
  });
  const marks = LOSSES.flatMap((loss): PlaneMark[] => {
    const setting = loosestSetting(settings, loss, BONUS);
    if (!setting) return [];
    const points = setting.trajectory.map(({ medians }) =>
      plane.at({ reward: medians["proxy"]!, kl: medians["kl"]! })
    );
    const style = methodStyle(loss);
    return [{
      data: [lineOf(points, { name: NAMES[loss], ...style })],
      end: { ...points.at(-1)!, text: NAMES[loss], color: style.line.color },
    }];
  });
  const { yaxis, ...axes } = plane.axes("KL from the reference model, nats");
  return {
    title: "The proxy's reward along the same runs",
    note: "Medians over runs, as above: labels by the proxy.",
    data: marks.flatMap(({ data }) => [...data]),
    layout: {
      ...axes,
      yaxis: { ...yaxis, title: { text: "reward of the labels" } },
      ...plane.names(marks),
    },
  };
}

function fallTable(settings: readonly HoldSetting[]) {
  return tableOf(settings, {
    caption:
      "The best checkpoint, and the optimum of the loss itself: medians (smallest to largest run)",
    columns: {
      method: nameOf,
      "gold reward there": ({ peaks }) => spreadText(peaks),
      "step of 192": ({ peakSteps }) => quantile(peakSteps, 0.5),
      "at the end": ({ ends }) => spreadText(ends["reward"]!.map(Number)),
      "gold of the optimum": ({ optimum }) => optimum && digits(optimum.reward),
      "its KL (nats)": ({ optimum }) => optimum && digits(optimum.kl),
    },
  });
}
