import {
  curvePanel,
  digits,
  endsOf,
  endTable,
  methodStyle,
  runsText,
} from "lib/experiment/figure_parts.ts";
import { middleOf, RunPlane } from "lib/experiment/run_plane.ts";
import type { Figure, Panel, Table } from "lib/plot/figure.ts";
import { endLabels } from "lib/plot/labels.ts";
import { runClouds, ways } from "lib/plot/reward_plane.ts";
import { stackedBars } from "lib/plot/stacked_bars.ts";
import { COLORS, MUTED } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { mean } from "lib/train/metrics.ts";
import type { MicroSetting, Summary } from "./summary.ts";
import { type Place, PLACES } from "../answers/world.ts";

const LOOKS: Readonly<Record<Place, { name: string; color: string }>> = {
  chosen: { name: "chosen", color: COLORS.green },
  rejected: { name: "rejected", color: COLORS.gray },
  unseen: { name: "unseen", color: COLORS.sky },
  illFormed: { name: "ill-formed", color: COLORS.vermilion },
};

/** Shares of probability, by place. */
type Shares = Readonly<Record<Place, number>>;

/** Where the plane ends: in nats, and from the least to the greatest reward. */
const REACH = 4;
const REWARDS = [-1, 4.6] as const;

/** The figure of a summary. Equal summaries give equal figures. */
export function microFigure(summary: Summary): Figure {
  return {
    title: titleOf(summary),
    text: [
      "A decoder answers with at most three of six words, so that every string that it can give is known, and each number here is exact: no sampling of text. Pairs of its own answers are compared by a known reward; strings that are no answers have the least.",
      `${runsText(summary)} Of the reference models' answers ${
        percent(1 - summary.reference.wellFormed)
      } are ill-formed.`,
    ],
    panels: [
      trainedPanel(summary),
      optimaPanel(summary),
      planePanel(summary),
      curvePanel(summary.settings, {
        measure: "illFormed",
        title: "Ill-formed answers along training",
        axis: "probability",
        note: "Medians over runs.",
      }),
    ],
    tables: [
      placesTable(summary),
      optimaTable(summary),
      endTable(summary.settings, {
        reward: "gold reward",
        kl: "KL(π‖π_ref)",
        klBack: "KL(π_ref‖π)",
        entropy: "entropy",
        populationLoss: "loss on endless data",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf({ settings }: Summary): string {
  const dpo = settings.find(({ loss }) => loss === "dpo");
  if (!dpo) return "Where the probability goes";
  const start = percent(mean(dpo.starts.illFormed));
  const end = percent(endShares(dpo).illFormed);
  const wanted = dpo.optimum?.illFormed;
  const objective = wanted === undefined
    ? ""
    : `; its objective asks for ${percent(wanted).replace("<", "less than")}`;
  return `DPO takes ill-formed answers from ${start} to ${end}${objective}`;
}

function trainedPanel({ settings }: Summary): Panel {
  return placesPanel(settings, {
    shares: endShares,
    title: "Where the probability is after training",
    note:
      "Means over runs. Chosen: answers of the data that won more comparisons than they lost; rejected: its other answers; unseen: well-formed answers that the data have not; ill-formed: the same of strings that are no answers.",
  });
}

function optimaPanel({ settings }: Summary): Panel {
  return placesPanel(settings.filter(({ optimum }) => optimum), {
    shares: optimumShares,
    title: "Where each loss itself would put it",
    note:
      "The policy that minimises the loss on endless pairs of the same reference model, exact; means over runs.",
  });
}

/** A bar for π_ref, and one for each setting. */
function placesPanel(
  settings: readonly MicroSetting[],
  { shares, title, note }: {
    shares: (setting: MicroSetting) => Shares;
    title: string;
    note: string;
  },
): Panel {
  const bars = [
    ...settings.slice(0, 1).map((first) => ({
      ...{ name: "π_ref", shares: startShares(first) },
    })),
    ...settings.map((each) => ({ name: each.loss, shares: shares(each) })),
  ];
  const { data, layout } = stackedBars(
    bars.map(({ name }) => name),
    PLACES.map((place) => ({
      ...LOOKS[place],
      shares: bars.map(({ shares }) => shares[place]),
    })),
    { axis: "% of probability" },
  );
  return {
    ...{ title, note, wide: true, data },
    layout: {
      ...layout,
      // Thin layers lie at the top, whose names need room above it.
      yaxis: {
        ...layout.yaxis,
        range: [0, 108],
        tickvals: [0, 20, 40, 60, 80, 100],
      },
    },
  };
}

const sharesOf = (of: (place: Place) => number): Shares => ({
  chosen: of("chosen"),
  rejected: of("rejected"),
  unseen: of("unseen"),
  illFormed: of("illFormed"),
});

const startShares = ({ starts }: MicroSetting) =>
  sharesOf((place) => mean(starts[place]));

const endShares = (setting: MicroSetting) =>
  sharesOf((place) => mean(endsOf(setting, place)));

const optimumShares = ({ optima }: MicroSetting) =>
  sharesOf((place) =>
    mean(
      optima.flatMap((found) =>
        found && found.kind !== "none" ? [found[place]] : []
      ),
    )
  );

function planePanel(summary: Summary): Panel {
  const { settings, reference } = summary;
  const plane = new RunPlane({
    ...{ reach: REACH, rewards: REWARDS, measure: "reward" },
  });
  const arrows = settings.map((setting) => arrowOf(setting, plane));
  return {
    title: "Reward against distance",
    note:
      "Dots are runs, large marks their medians. A hollow diamond is the optimum of the loss itself; its arrow leads to the median run. Nothing can be in the shaded region.",
    data: [
      ...plane.frontier(reference.attainable),
      ...settings.flatMap((setting) =>
        runClouds([plane.cloud(setting)], {
          name: setting.loss,
          ...methodStyle(setting.loss),
        })
      ),
      ...arrows.flatMap(({ data }) => data),
    ],
    layout: {
      ...plane.axes("KL from the reference model, nats"),
      annotations: [
        ...arrows.flatMap(({ annotations }) => annotations),
        ...endLabels(
          settings.map((setting) => ({
            ...plane.at(middleOf(setting, "reward")),
            text: setting.loss,
            color: methodStyle(setting.loss).line.color,
          })),
          { range: REWARDS, reach: 0.3 },
        ),
        {
          ...{ x: 0.1, y: 4.2, text: "no policy can be here" },
          ...{ showarrow: false, xanchor: "left" },
          font: { color: MUTED, size: 12 },
        },
      ],
    },
  };
}

/** From the optimum of a loss to the median of its runs. */
function arrowOf(setting: MicroSetting, plane: RunPlane) {
  const { name, optimum, loss } = setting;
  const to = plane.at(middleOf(setting, "reward"));
  const all = optimum ? [{ name, from: plane.at(optimum), to, share: 0 }] : [];
  return ways(all, { marker: methodStyle(loss).marker });
}

function placesTable({ settings }: Summary): Table {
  const row = (name: string, shares: Shares) => [
    name,
    ...PLACES.map((place) => percent(shares[place])),
  ];
  return {
    caption: "Where the probability is: means over runs",
    columns: ["policy", ...PLACES.map((place) => LOOKS[place].name)],
    rows: [
      row("π_ref", startShares(settings[0]!)),
      ...settings.flatMap((setting) => [
        row(`${setting.name}, trained`, endShares(setting)),
        ...setting.optimum
          ? [row(`${setting.name}, its optimum`, optimumShares(setting))]
          : [],
      ]),
    ],
  };
}

/** Where each loss itself wants to go, or why there is no such place. */
function optimaTable({ settings }: Summary): Table {
  return tableOf(settings, {
    caption: "The optimum of each loss: medians over draws",
    columns: {
      method: ({ name }) => name,
      reward: ({ optimum }) => optimum && digits(optimum.reward),
      "KL (nats)": ({ optimum }) => optimum && digits(optimum.kl),
      "attainable there": ({ optimum }) =>
        optimum && digits(optimum.attainable),
      "why none": ({ optimum, optima }) => optimum ? null : whyNone(optima),
    },
  });
}

function whyNone(optima: MicroSetting["optima"]): string {
  const reasons = optima.flatMap((found) =>
    found?.kind === "none" ? [found.why] : []
  );
  return [...new Set(reasons)].join("; ") || "not asked for";
}

function percent(share: number): string {
  if (share < 0.0005) return "< 0.1 %";
  return share < 0.1
    ? `${(100 * share).toFixed(1)} %`
    : `${Math.round(100 * share)} %`;
}
