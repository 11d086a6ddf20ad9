import type { Finding } from "lib/experiment/claim.ts";
import {
  type Curve,
  curvePanel,
  digits,
  endsOf,
  endTable,
  methodStyle,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import { figureFindings } from "lib/experiment/findings.ts";
import type { Figure, Panel, SampleSet, Table } from "lib/plot/figure.ts";
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
import { stackedBars } from "lib/plot/stacked_bars.ts";
import { COLORS, INK, MUTED } from "lib/plot/style.ts";
import { binomialInterval } from "lib/stats/binomial.ts";
import { quantile } from "lib/stats/interval.ts";
import { chosen, settingsOf } from "./claims.ts";
import { attainableReward, type PlanePoint } from "../reviews/exact_numbers.ts";
import { type FrontierSetting, RUNAWAY, type Summary } from "./summary.ts";

/** Forms that are simpler than those of the papers; they have their own panel. */
const SIMPLIFIED = ["kto-pairwise", "orpo-ratio"];

/** Where the planes end, in nats: beyond, runs stand at the edge. */
const REACH = 9;

const CURVES: readonly Curve[] = [
  {
    measure: "chosen",
    title: "Chosen completions of held-out pairs",
    axis: "log π/π_ref, nats",
  },
  {
    measure: "rejected",
    title: "Rejected completions of held-out pairs",
    axis: "log π/π_ref, nats",
  },
  {
    measure: "accuracy",
    title: "Reward accuracy on held-out pairs",
    axis: "share of pairs",
  },
  {
    measure: "broken",
    title: "Broken reviews",
    axis: "share of samples",
    note: "Samples that the grammar cannot produce, or that do not end.",
  },
];

/** The figure of a summary. Equal summaries give equal figures. */
export function frontierFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  const losses = [...new Set(summary.settings.map(({ loss }) => loss))];
  const isSimplified = (loss: string) => SIMPLIFIED.includes(loss);
  const main = losses.filter((loss) => !isSimplified(loss));
  const best = main.flatMap((loss) => chosen(summary, loss) ?? []);
  return {
    title: titleOf(summary),
    text: [
      "A small decoder learns to write product reviews. Pairs of its own completions are compared by a known gold reward, and every method trains on the same pairs, once. Because the world is known, so are the best reward that any policy can have at each distance from the reference model, and the policy that each loss itself would choose with endless data.",
      `${runsText(summary)} ${referenceText(summary)}`,
    ],
    findings: figureFindings(findings),
    panels: [
      planePanel(summary, main, {
        title: "Gold reward against distance from the reference model",
        note:
          `Dots are runs, large marks medians, lines join the values of a method's option. A hollow diamond is the optimum of the loss itself, exact, with the grammar as reference model; its arrow leads to the median run, redder the more of its samples are broken. Runs beyond ${REACH} nats stand at the edge. Crosses are best-of-n with the gold reward.`,
      }),
      planePanel(summary, losses.filter(isSimplified), {
        title: "Simplified forms",
        note: "Losses as they are often taught, on the same pairs.",
      }),
      layerPanel(best, summary),
      ...CURVES.map((curve) => curvePanel(best, curve)),
    ],
    samples: summary.settings.filter(({ isChosen }) => isChosen).map(samplesOf),
    tables: [
      runawayTable(summary),
      optimaTable(summary),
      endTable(summary.settings, {
        goldReward: "gold reward",
        kl: "KL (nats)",
        accuracy: "accuracy",
        length: "length",
        broken: "broken",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(summary: Summary): string {
  const trained = chosen(summary, "dpo");
  if (!trained) return "How near preference methods come to the best reward";
  const share = quantile(trained.shares, 0.5);
  return `DPO's objective leads to the best reward at its distance; a pass of training gets ${
    percent(share)
  } of what its own distance could buy`;
}

function referenceText(
  { reference: { goldReward, wellFormed } }: Summary,
): string {
  return `The reference models have a reward of ${digits(goldReward)}; ${
    percent(wellFormed)
  } of their samples are well-formed.`;
}

function planePanel(
  summary: Summary,
  losses: readonly string[],
  { title, note }: { title: string; note: string },
): Panel {
  const scale = rootScale(REACH);
  const at = ({ kl, reward }: PlanePoint): Point => ({
    x: scale.position(Math.min(kl, REACH)),
    y: reward,
  });
  const curve = [
    { x: 0, y: 0 },
    ...summary.exact.attainable.filter(({ kl }) => kl <= REACH).map(at),
  ];
  const lines = isoLines(curve, { shares: [0.75, 0.5], of: "attainable" });
  const arrows = losses.map((loss) => arrowsOf(summary, loss, at));
  return {
    title,
    note,
    wide: true,
    data: [
      ...frontier(curve, { name: "attainable", top: 4.3 }),
      ...lines.data,
      {
        type: "scatter",
        mode: "markers",
        name: "best of n",
        showlegend: false,
        ...coordinates(summary.exact.bestOf.map(at)),
        text: summary.exact.bestOf.map(({ n }) => `best of ${n}`),
        marker: { color: INK, symbol: "x-thin-open", size: 8 },
        hovertemplate: "%{text}: %{y:.2f}<extra></extra>",
      },
      ...losses.flatMap((loss) =>
        runClouds(settingsOf(summary, loss).map((own) => cloudOf(own, at)), {
          name: loss,
          ...methodStyle(loss),
        })
      ),
      ...arrows.flatMap(({ data }) => data),
      shareKey("broken samples"),
    ],
    layout: {
      showlegend: false,
      xaxis: scale.axis("KL from the reference model, nats (root scale)"),
      yaxis: { title: { text: "gold reward" }, range: [0, 4.3] },
      annotations: [
        ...lines.annotations,
        ...arrows.flatMap(({ annotations }) => annotations),
        ...endLabels(losses.map((loss) => labelOf(summary, loss, at)), {
          range: [0, 4.3],
          reach: 0.4,
        }),
        {
          ...{ x: 0.1, y: 4, text: "no policy can be here", showarrow: false },
          ...{ xanchor: "left", font: { color: MUTED, size: 13 } },
        },
      ],
    },
  };
}

type At = (point: PlanePoint) => Point;

function coordinates(points: readonly Point[]) {
  return { x: points.map(({ x }) => x), y: points.map(({ y }) => y) };
}

function cloudOf({ name, paths, ...setting }: FrontierSetting, at: At) {
  return {
    name,
    runs: paths.map((path) => at(path.at(-1)!)),
    middle: at(middleOf(setting)),
  };
}

function middleOf(setting: Pick<FrontierSetting, "ends">): PlanePoint {
  const median = (measure: string) =>
    quantile(
      (setting.ends[measure] ?? []).filter((value) => value !== null),
      0.5,
    );
  return { reward: median("goldReward"), kl: median("kl") };
}

function labelOf(summary: Summary, loss: string, at: At): LineEnd {
  const own = settingsOf(summary, loss);
  const ends = own.map((setting) => at(middleOf(setting)));
  const last = ends.toSorted((a, b) => a.x - b.x).at(-1)!;
  return { ...last, text: loss, color: methodStyle(loss).line.color };
}

/** From the optimum of a loss to the median of its runs, at each value. */
function arrowsOf(summary: Summary, loss: string, at: At) {
  const all = settingsOf(summary, loss).flatMap((setting) => {
    const { name, optimum } = setting;
    if (!optimum) return [];
    const share = quantile(endsOf(setting, "broken"), 0.5);
    const [from, to] = [at(optimum), at(middleOf(setting))];
    return [{ name, from, to, share }];
  });
  return ways(all, { marker: methodStyle(loss).marker });
}

/** Of the attainable reward: the objective, the data, training and its leak. */
function layerPanel(best: readonly FrontierSetting[], summary: Summary): Panel {
  const known = best.flatMap((setting) =>
    setting.optimum ? [{ ...setting, optimum: setting.optimum }] : []
  );
  const { exact, rewardModel } = summary;
  const shareOf = ({ reward, kl }: PlanePoint) =>
    reward / attainableReward(exact, kl);
  const layers = known.map((setting) => {
    const objective = Math.min(1, shareOf(setting.optimum));
    const data = objective *
      shareOf(nearest(rewardModel, setting.optimum.kl));
    const trained = Math.min(data, quantile(setting.shares, 0.5));
    return { objective, data, trained };
  });
  return {
    title: "Where the attainable reward is lost",
    note:
      "Each method at the value that tuning chose. Objective: the optimum of the loss falls short of the best policy at its distance. Data: a reward model of the same pairs does. Training: the rest, up to the median run at its own distance.",
    data: stackedBars(known.map(({ name }) => name), [
      {
        name: "reached",
        color: COLORS.green,
        shares: layers.map(({ trained }) => trained),
      },
      {
        name: "lost in training",
        color: COLORS.vermilion,
        shares: layers.map(({ data, trained }) => data - trained),
      },
      {
        name: "lost to the data",
        color: COLORS.sky,
        shares: layers.map(({ objective, data }) => objective - data),
      },
      {
        name: "lost by the objective",
        color: COLORS.gray,
        shares: layers.map(({ objective }) => 1 - objective),
      },
    ]),
    layout: {
      barmode: "stack",
      yaxis: { title: { text: "% of the attainable reward" }, range: [0, 100] },
    },
  };
}

function nearest(points: readonly PlanePoint[], kl: number): PlanePoint {
  return points.toSorted((a, b) => Math.abs(a.kl - kl) - Math.abs(b.kl - kl))[
    0
  ]!;
}

function samplesOf(setting: FrontierSetting): SampleSet {
  const { name, loss, samples } = setting;
  return {
    name,
    color: methodStyle(loss).line.color,
    note: `${digits(middleOf(setting).kl)} nats from the reference model`,
    texts: samples.map((text) => ({ text })),
  };
}

/** Runs that left, with the interval of their share. */
function runawayTable({ settings }: Summary): Table {
  return {
    caption: `Runs beyond ${RUNAWAY} nats`,
    columns: ["method", "runs", "beyond", "share, 95 % interval"],
    rows: settings.map(({ name, ends }) => {
      const kls = ends["kl"]!;
      const count = kls.filter((kl) => kl === null || kl > RUNAWAY).length;
      const { low, high } = binomialInterval(count, kls.length);
      const interval = `${percent(low)} to ${percent(high)}`;
      return [name, kls.length, count, interval];
    }),
  };
}

/** Where each loss itself wants to go, and where training got. */
function optimaTable({ exact, settings }: Summary): Table {
  return {
    caption: "The optimum of each loss, and the share that training reaches",
    columns: ["method", "reward", "KL (nats)", "of attainable", "trained"],
    rows: settings.map(({ name, optimum, shares }) => [
      name,
      optimum && digits(optimum.reward),
      optimum && digits(optimum.kl),
      optimum &&
      percent(optimum.reward / attainableReward(exact, optimum.kl)),
      spreadText(shares),
    ]),
  };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
