import {
  digits,
  endTable,
  methodStyle,
  nameOf,
  rounded,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import { type PlaneMark, RunPlane } from "lib/experiment/run_plane.ts";
import type { Figure, Panel, ScatterTrace } from "lib/plot/figure.ts";
import type { Point } from "lib/plot/reward_plane.ts";
import { MUTED, type SeriesStyle } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { loosestSetting } from "./claims.ts";
import { BONUS, HOLDS } from "./settings.ts";
import type { HoldSetting, Summary } from "./summary.ts";

/** Where planes end, in nats. */
const REACH = 4;

const NAMES = { dpo: "DPO", ipo: "IPO", hinge: "SLiC's hinge" };
const LOSSES = ["dpo", "ipo", "hinge"] as const;
type Loss = typeof LOSSES[number];

const NOTE =
  `Medians over runs at each checkpoint of one pass: gold reward with the proxy's labels and with its own (no proxy), and the reward that the proxy's labels follow. Hollow diamonds are optima of the loss itself, exact, at each β or τ; those on the proxy's labels are joined. No gold reward can be in the shaded region. What lies beyond ${REACH} nats stands at the edge.`;

/** The figure of a summary. Equal summaries give equal figures. */
export function overoptimisationFigure(summary: Summary): Figure {
  const { settings } = summary;
  return {
    title: titleOf(settings),
    text: [
      `Answers of at most three words are compared by a known reward, or by a proxy: that reward and a bonus of ${BONUS} for the words “not great”. Each pair is seen once. All numbers are exact: no sampling of text.`,
      runsText(summary),
    ],
    panels: LOSSES.map((loss) => lossPanel(summary, loss)),
    // The third is like the second.
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

/** Gold reward and that of the labels along the training of a loss. */
function lossPanel({ settings, reference }: Summary, loss: Loss): Panel {
  const plane = new RunPlane({
    ...{ reach: REACH, rewards: [-1.5, 4.5], measure: "reward" },
  });
  const marks = [
    ...pathsOf(settings, loss, plane),
    ...[BONUS, 0].flatMap((bonus) =>
      optimaOf(settings, plane, { loss, bonus })
    ),
  ];
  const hold = HOLDS[loss].at(-1);
  return {
    title: `${NAMES[loss]}, ${loss === "ipo" ? "τ" : "β"} ${hold}`,
    ...loss === LOSSES[0] ? { note: NOTE } : {},
    data: [
      ...plane.frontier(reference.attainable),
      ...marks.flatMap(({ data }) => [...data]),
    ],
    layout: {
      ...plane.axes("KL from the reference model, nats (root scale)"),
      yaxis: { title: { text: "reward" }, range: [-1.5, 4.5] },
      ...plane.names(marks),
    },
  };
}

function pathsOf(
  settings: readonly HoldSetting[],
  loss: Loss,
  plane: RunPlane,
): PlaneMark[] {
  const { line, marker } = methodStyle(loss);
  const muted: SeriesStyle = {
    line: { color: MUTED, dash: "dash" },
    marker: { color: MUTED, symbol: "circle" },
  };
  const fair: SeriesStyle = { line: { ...line, dash: "dot" }, marker };
  const solid: SeriesStyle = { line: { ...line, dash: "solid" }, marker };
  return [
    { measure: "proxy", bonus: BONUS, name: "labels' reward", style: muted },
    { measure: "reward", bonus: 0, name: "gold, no proxy", style: fair },
    { measure: "reward", bonus: BONUS, name: "gold", style: solid },
  ].flatMap(({ measure, bonus, name, style }) => {
    const setting = loosestSetting(settings, loss, bonus);
    if (!setting) return [];
    const points = setting.trajectory.map(({ medians }) =>
      plane.at({ reward: medians[measure]!, kl: medians["kl"]! })
    );
    const { color } = style.line;
    return [{
      data: [lineOf(points, { name, ...style })],
      end: { ...points.at(-1)!, text: name, color },
    }];
  });
}

/** The optima of a loss itself, from its tightest hold; none without any. */
function optimaOf(
  settings: readonly HoldSetting[],
  plane: RunPlane,
  { loss, bonus }: { loss: Loss; bonus: number },
): PlaneMark[] {
  const { line, marker } = methodStyle(loss);
  const points = settings.flatMap((setting) =>
    setting.loss === loss && setting.level["bonus"] === bonus && setting.optimum
      ? [plane.at(setting.optimum)]
      : []
  );
  if (points.length === 0) return [];
  return [{
    data: [{
      ...lineOf(points, {
        name: `${NAMES[loss]}'s objective`,
        line: { ...line, dash: "dot", width: 1 },
        marker: { ...marker, symbol: "diamond-open", size: 10 },
      }),
      mode: bonus ? "lines+markers" : "markers",
    }],
    ...bonus
      ? {
        end: {
          ...points.at(-1)!,
          ...{ text: "its objective", color: line.color },
        },
      }
      : {},
  }];
}

function lineOf(
  points: readonly Point[],
  look: Pick<ScatterTrace, "name" | "line" | "marker">,
): ScatterTrace {
  return {
    ...{ type: "scatter", mode: "lines+markers", showlegend: false, ...look },
    x: points.map(({ x }) => rounded(x)),
    y: points.map(({ y }) => rounded(y)),
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
