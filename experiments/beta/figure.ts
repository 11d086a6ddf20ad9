import {
  endOf,
  endTable,
  rounded,
  seedsText,
  valueOf,
} from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { seriesStyle } from "lib/plot/style.ts";
import type { BetaSetting, Summary } from "./summary.ts";

const NOTE =
  "A hollow point is told apart from the method's best: the 95 % interval of the difference, paired by seed, excludes 0. A filled one may still be worse.";

/** The figure of a summary. Equal summaries give equal figures. */
export function betaFigure(methods: Summary): Figure {
  const seeds = methods[0]![0]!.seeds.length;
  return {
    title: "How much β matters",
    text: [
      "DPO, KTO and ORPO train on the same pairs in the world of the experiment frontier, each at several values of β, or of ORPO's λ, and at one learning rate. Lines join means over seeds; small points are single seeds.",
      `${
        seedsText(seeds)
      } One reference model: other draws of it are not covered, so no verdict follows from this page.`,
    ],
    panels: [
      {
        ...panel(methods, "goldReward", {
          title: "Gold reward",
          axis: "reward, −4 to 4",
        }),
        ...seeds > 1 ? { note: NOTE } : {},
      },
      panel(methods, "kl", {
        ...{ title: "KL from the reference model", axis: "nats" },
        scale: { type: "log", tickvals: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50] },
      }),
      panel(methods, "broken", {
        title: "Broken reviews",
        axis: "share of samples",
      }),
      panel(methods, "accuracy", {
        title: "Accuracy on held-out pairs",
        axis: "share of pairs",
      }),
    ],
    tables: [
      rangeTable(methods),
      endTable(methods.flat(), {
        "gold reward": (setting) => endOf(setting)["goldReward"]!,
        "below the best": ({ behind }) => behind,
        "KL (nats)": (setting) => endOf(setting)["kl"]!,
        broken: (setting) => endOf(setting)["broken"]!,
        accuracy: (setting) => endOf(setting)["accuracy"]!,
      }),
    ],
  };
}

/** A measure at the end of training by value. */
function panel(
  methods: Summary,
  measure: string,
  { title, axis, scale = {} }: {
    title: string;
    axis: string;
    scale?: Panel["layout"]["yaxis"];
  },
): Panel {
  const values = methods.flat().map(({ value }) => value);
  return {
    title: `${title} at the end of training`,
    data: methods.flatMap((settings, i) => traces(settings, measure, i)),
    layout: {
      xaxis: {
        type: "log",
        title: { text: "β of DPO and KTO, λ of ORPO" },
        tickvals: [...new Set(values)],
      },
      yaxis: { title: { text: axis }, ...scale },
    },
  };
}

/** A method's means, and its single seeds. */
function traces(
  settings: readonly BetaSetting[],
  measure: string,
  i: number,
): ScatterTrace[] {
  const { line, marker } = seriesStyle(i);
  const { loss } = settings[0]!;
  const means = {
    ...{ type: "scatter", name: loss, legendgroup: loss, line } as const,
    x: settings.map(({ value }) => value),
    y: settings.map((setting) => rounded(endOf(setting)[measure]!.mean)),
  };
  const points = { ...means, mode: "markers", showlegend: false } as const;
  const symbol = settings.map(({ within }) =>
    measure === "goldReward" && within === false
      ? `${marker.symbol}-open`
      : marker.symbol
  );
  return [
    // A line of its own: a legend shows the symbol of the first point.
    { ...means, mode: "lines" },
    { ...points, marker: { ...marker, symbol, size: 10 } },
    {
      ...points,
      x: settings.flatMap(({ value, seeds }) => seeds.map(() => value)),
      y: settings.flatMap(({ ends }) => ends[measure]!.map(rounded)),
      marker: { ...marker, size: 5, opacity: 0.5 },
    },
  ];
}

/** The answer: the values that are not told apart from the best. */
function rangeTable(methods: Summary): Table {
  return {
    caption: "Gold reward: the best value, and those not told apart from it",
    columns: ["method", "best", "not told apart", "told apart"],
    rows: methods.map((settings) => {
      const [best] = settings.toSorted((a, b) => a.behind.mean - b.behind.mean);
      const listed = (wanted: boolean) =>
        settings.filter(({ within }) => within === wanted)
          .map(valueOf).join(", ") || null;
      return [best!.loss, valueOf(best!), listed(true), listed(false)];
    }),
  };
}
