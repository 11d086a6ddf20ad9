import type { Annotations } from "plotly.js";
import type { Finding } from "lib/experiment/claim.ts";
import {
  digits,
  endsOf,
  endTable,
  methodStyle,
  nameOf,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import { figureFindings } from "lib/experiment/findings.ts";
import type { Figure, Panel, ScatterTrace } from "lib/plot/figure.ts";
import { endLabels, labelMargin, type LineEnd } from "lib/plot/labels.ts";
import { frontier, type Point, runClouds } from "lib/plot/reward_plane.ts";
import { rootScale } from "lib/plot/scales.ts";
import { textColor } from "lib/plot/style.ts";
import { quantile } from "lib/stats/interval.ts";
import { LONGEST } from "./settings.ts";
import type { GapSetting, Summary } from "./summary.ts";

/** Where the plane ends; points beyond stand at its edge. */
const [REACH, TOP] = [9, 4.3];

/** The figure of a summary. Equal summaries give equal figures. */
export function gapFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  const { settings } = summary;
  return {
    title: titleOf(settings),
    text: [
      "Pairs of a small decoder's own reviews are compared by a known gold reward. As the world is known, so is the policy that each loss itself would choose with endless pairs. Training takes one pass over the usual pairs, or 8 times as many steps: over the same pairs, or over fresh ones.",
      runsText(summary),
    ],
    findings: figureFindings(findings),
    panels: [planePanel(summary)],
    tables: [
      {
        caption: "The optimum of each loss, and the gap that training leaves",
        columns: ["method", "reward", "KL (nats)", "gap"],
        rows: settings.map(({ optimum, ...own }) => [
          nameOf(own),
          digits(optimum.reward),
          digits(optimum.kl),
          spreadText(own.gaps),
        ]),
      },
      endTable(settings, {
        goldReward: "gold reward",
        kl: "KL (nats)",
        accuracy: "accuracy",
        broken: "broken",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(settings: readonly GapSetting[]): string {
  const gaps = (passes: number, pairs: number) =>
    settings.filter((own) => own.passes === passes && own.pairs === pairs)
      .map(({ gaps }) => `${Math.round(100 * quantile(gaps, 0.5))} %`)
      .join(" and ");
  const names = lossesOf(settings).map((loss) => loss.toUpperCase());
  return `${names.join(" and ")} miss their own optima by ${
    gaps(1, 1)
  } after one pass, by ${gaps(LONGEST, 1)} after ${LONGEST}, by ${
    gaps(1, LONGEST)
  } with ${LONGEST} times as many pairs`;
}

function lossesOf(settings: readonly GapSetting[]): string[] {
  return [...new Set(settings.map(({ loss }) => loss))];
}

function planePanel({ exact, settings }: Summary): Panel {
  const scale = rootScale(REACH);
  const at = (reward: number, kl: number): Point => ({
    x: scale.position(Math.min(kl, REACH)),
    y: Math.max(0, reward),
  });
  const curve = [
    { x: 0, y: 0 },
    ...exact.attainable.filter(({ kl }) => kl <= REACH)
      .map(({ reward, kl }) => at(reward, kl)),
  ];
  const paths = lossesOf(settings).map((loss) => pathsOf(settings, loss, at));
  const ends = paths.flatMap(({ ends }) => ends);
  return {
    title: "From one pass on, in reward and distance",
    note:
      `Each line joins one pass over the usual pairs with ${LONGEST} times as many steps, from the reference model anew each time; dots are runs, large marks medians. A hollow diamond is the optimum of the loss itself, exact, with the grammar as reference model. Runs beyond ${REACH} nats or below a reward of 0 stand at the edge.`,
    wide: true,
    data: [
      ...frontier(curve, { name: "attainable", top: TOP }),
      ...paths.flatMap(({ data }) => data),
    ],
    layout: {
      showlegend: false,
      xaxis: scale.axis("KL from the reference model, nats (root scale)"),
      yaxis: { title: { text: "gold reward" }, range: [0, TOP] },
      annotations: [
        ...endLabels(ends, { range: [0, TOP], reach: 0.5 }),
        ...paths.map(({ label }) => label),
      ],
      margin: { r: labelMargin(ends) },
    },
  };
}

/** The ways of a loss over fresh pairs and over the same again. */
function pathsOf(
  settings: readonly GapSetting[],
  loss: string,
  at: (reward: number, kl: number) => Point,
) {
  const own = settings.filter((setting) => setting.loss === loss);
  const { line, marker } = methodStyle(loss);
  const { color } = line;
  const name = loss.toUpperCase();
  const optimum = at(own[0]!.optimum.reward, own[0]!.optimum.kl);
  const ways = [
    { text: `${name}, fresh pairs`, dash: "solid", fixed: "passes" },
    { text: `${name}, more passes`, dash: "dot", fixed: "pairs" },
  ] as const;
  const paths = ways.map(({ text, dash, fixed }) => {
    const clouds = own.filter((each) => each[fixed] === 1)
      .map((each) => cloudOf(each, at));
    const style = { name: text, marker, line: { ...line, dash } };
    const end: LineEnd = { ...clouds.at(-1)!.middle, text, color };
    return { data: runClouds(clouds, style), end };
  });
  const hollow: ScatterTrace = {
    ...{ type: "scatter", mode: "markers", name: `${name}'s optimum` },
    ...{ x: [optimum.x], y: [optimum.y] },
    marker: { ...marker, symbol: "diamond-open", size: 12 },
  };
  const label: Partial<Annotations> = {
    ...{ ...optimum, text: `${name}'s optimum`, xanchor: "right" },
    font: { color: textColor(color), size: 12 },
    // Into the region where nothing else is.
    ...{ ax: -60, ay: -45, arrowhead: 0, arrowcolor: color, standoff: 7 },
  };
  return {
    data: [...paths.flatMap(({ data }) => data), hollow],
    ends: paths.map(({ end }) => end),
    label,
  };
}

function cloudOf(
  setting: GapSetting,
  at: (reward: number, kl: number) => Point,
) {
  const [rewards, kls] = [
    endsOf(setting, "goldReward"),
    endsOf(setting, "kl"),
  ];
  return {
    name: nameOf(setting),
    runs: rewards.map((reward, i) => at(reward, kls[i]!)),
    middle: at(quantile(rewards, 0.5), quantile(kls, 0.5)),
  };
}
