import type { Finding } from "lib/experiment/claim.ts";
import {
  type Curve,
  curvePanel,
  digits,
  endTable,
  lossesOf,
  methodStyle,
  percent,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import type { PlanePoint } from "lib/experiment/run_plane.ts";
import type { Figure, Panel, SampleSet, Table } from "lib/plot/figure.ts";
import { forestPanel } from "lib/plot/forest.ts";
import { stackedBars } from "lib/plot/stacked_bars.ts";
import { LIGHT, MUTED, RED, SHADE } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { binomialInterval } from "lib/stats/binomial.ts";
import { quantile } from "lib/stats/interval.ts";
import { attainableReward } from "../reviews/exact_numbers.ts";
import { chosen, DISTANCE, leaderOf, settingsOf } from "./claims.ts";
import { mainPlane, smallPlane } from "./planes.ts";
import { type FrontierSetting, RUNAWAY, type Summary } from "./summary.ts";

/** Forms that are simpler than those of the papers; they have their own panel. */
const SIMPLIFIED = ["kto-pairwise", "orpo-ratio"];

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
  const chosenOnes = lossesOf(summary.settings).flatMap((loss) =>
    chosen(summary, loss) ?? []
  );
  const best = chosenOnes.filter((setting) => !isSimplified(setting));
  return {
    title: titleOf(summary),
    text: [
      "A small decoder learns to write product reviews. Pairs of its own completions are compared by a known gold reward, and every method trains on the same pairs, once. Because the world is known, so are the best reward that any policy can have at each distance from the reference model, and the policy that each loss itself would choose with endless data.",
      `${runsText(summary)} ${referenceText(summary)}`,
    ],
    panels: [
      mainPlane(best, summary.exact, {
        title:
          "Where each loss leads (hollow), and where a pass of training gets (filled)",
        note:
          `Each method at the value that tuning chose: every run is a faint mark, the median a large one. A hollow diamond is the optimum of the loss itself, exact, with the grammar as reference model; an arrow leads from there to the median, redder the more reviews are broken. Without one, the optimum is not known. Crosses are best-of-n with the gold reward. Runs beyond ${RUNAWAY} nats stand at the edge; distances are on a root scale.`,
      }),
      ...best.map(({ loss }) => methodPlane(summary, loss)),
      smallPlane("Simplified forms", summary.settings.filter(isSimplified), {
        exact: summary.exact,
        nameOf: ({ loss }) => loss,
      }),
      layerPanel(best, summary),
      ...leadPanels(findings),
      ...CURVES.map((curve) => curvePanel(best, curve)),
    ],
    samples: chosenOnes.flatMap(samplesOf),
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

function isSimplified({ loss }: Pick<FrontierSetting, "loss">): boolean {
  return SIMPLIFIED.includes(loss);
}

/** The finding, whatever the numbers are. */
function titleOf(summary: Summary): string {
  const trained = chosen(summary, "dpo");
  if (!trained) return "How near preference methods come to the best reward";
  const share = quantile(trained.shares, 0.5);
  const finding =
    `DPO's objective leads to the best reward at its distance; a pass of training gets ${
      percent(share)
    } of what its own distance could buy`;
  return summary.draws.length === 1 ? `One draw: ${finding}` : finding;
}

function referenceText(
  { reference: { goldReward, wellFormed } }: Summary,
): string {
  return `The reference models have a reward of ${digits(goldReward)}; ${
    percent(wellFormed)
  } of their samples are well-formed.`;
}

/** A method at all its values. */
function methodPlane(summary: Summary, loss: string): Panel {
  return smallPlane(loss, settingsOf(summary, loss), {
    exact: summary.exact,
    nameOf: ({ name }) => name.slice(loss.length + 1),
  });
}

/** Of the attainable reward: the objective, the data, training and its leak. */
function layerPanel(best: readonly FrontierSetting[], summary: Summary): Panel {
  const known = best.flatMap((setting) =>
    setting.optimum ? [{ ...setting, optimum: setting.optimum }] : []
  );
  const { exact, rewardModel } = summary;
  const shareOf = ({ reward, kl }: PlanePoint) =>
    reward / attainableReward(exact, kl);
  const parts = known.map((setting) => {
    const objective = Math.min(1, shareOf(setting.optimum));
    const data = objective *
      shareOf(nearest(rewardModel, setting.optimum.kl));
    const trained = Math.min(data, quantile(setting.shares, 0.5));
    return [trained, data - trained, objective - data, 1 - objective] as const;
  });
  const layer = (index: 0 | 1 | 2 | 3) => parts.map((part) => part[index]);
  return {
    title: "Where the attainable reward is lost",
    note:
      "Each method at the value that tuning chose. Objective: the optimum of the loss falls short of the best policy at its distance. Data: a reward model of the same pairs does. Training: the rest, up to the median run at its own distance.",
    ...stackedBars(known.map(({ name }) => name.replace(" ", "<br>")), [
      { name: "reached", color: MUTED, shares: layer(0) },
      { name: "training", color: RED, shares: layer(1) },
      { name: "data", color: LIGHT, shares: layer(2) },
      { name: "objective", color: SHADE, shares: layer(3) },
    ], { axis: "% of the attainable reward" }),
  };
}

/** The claims of a lead over DPO; none on a single draw. */
function leadPanels(findings: readonly Finding[]): Panel[] {
  const differences = findings.flatMap((finding) => {
    const { estimate, low, high, values, verdict, delta } = finding;
    const loss = leaderOf(finding);
    if (!loss || estimate === null || low === null || high === null) return [];
    const name = `${loss} − dpo`;
    return [{ name, estimate, low, high, values, verdict, delta }];
  });
  const [first] = differences;
  if (!first) return [];
  return [forestPanel({
    title: `Reward at ${DISTANCE} nats, less DPO's`,
    note:
      "Dots are draws of the reference model, squares their means with 95 % intervals. Differences within the band are too small to matter.",
    axis: "difference of gold reward",
    delta: first.delta,
    differences,
  })];
}

function nearest(points: readonly PlanePoint[], kl: number): PlanePoint {
  return points.toSorted((a, b) => Math.abs(a.kl - kl) - Math.abs(b.kl - kl))[
    0
  ]!;
}

/** Texts of the median run and of the farthest one. */
function samplesOf({ name, loss, samples }: FrontierSetting): SampleSet[] {
  return samples.map(({ kl, texts }, i) => ({
    name,
    color: methodStyle(loss).line.color,
    note: `${i === 0 ? "median" : "farthest"} run, ${digits(kl)} nats`,
    texts: texts.map((text) => ({ text: withoutEnd(text) })),
  }));
}

/** A text without the mark of its end; one that did not end goes on. */
function withoutEnd(text: string): string {
  return text.endsWith(END) ? text.slice(0, -END.length) : `${text} …`;
}

const END = " </s>";

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
  return tableOf(settings, {
    caption: "The optimum of each loss, and the share that training reaches",
    columns: {
      method: ({ name }) => name,
      reward: ({ optimum }) => optimum && digits(optimum.reward),
      "KL (nats)": ({ optimum }) => optimum && digits(optimum.kl),
      "of attainable": ({ optimum }) =>
        optimum &&
        percent(optimum.reward / attainableReward(exact, optimum.kl)),
      trained: ({ shares }) => spreadText(shares),
    },
  });
}
