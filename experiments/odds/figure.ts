import {
  curvePanel,
  digits,
  endsOf,
  endTable,
  methodStyle,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace } from "lib/plot/figure.ts";
import { endLabels, labelMargin, type LineEnd } from "lib/plot/labels.ts";
import { MUTED } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { ODDS_RATIO, PROBABILITY_RATIO, type RatioLaw } from "./ratios.ts";
import { ODDS, OFF_POLICY, PROBABILITIES } from "./settings.ts";
import type { OddsSetting, Summary } from "./summary.ts";

/** The settings that paths are drawn of, and their names there. */
const DRAWN: Readonly<Record<string, string>> = {
  "sft": "SFT",
  [`${ODDS} λ 1`]: "odds ratio",
  [`${PROBABILITIES} λ 1`]: "probability ratio",
};

const LAWS = {
  [ODDS]: { law: ODDS_RATIO, name: "log odds ratio" },
  [PROBABILITIES]: { law: PROBABILITY_RATIO, name: "log probability ratio" },
};

/** The figure of a summary. Equal summaries give equal figures. */
export function oddsFigure(summary: Summary): Figure {
  const { settings } = summary;
  const others = settings.filter(isOffPolicy);
  const own = settings.filter((setting) => !isOffPolicy(setting));
  return {
    title: titleOf(others, own),
    text: [
      "ORPO adds a contrast of chosen and rejected to SFT on the chosen: by the ratio of their odds, where the ratio of probabilities would be simpler. Here both train a small decoder, all of whose answers are known, on pairs that it gave itself or that another wrote in a style that it seldom has.",
      runsText(summary),
    ],
    pictured: 2,
    panels: [
      pathPanel(others, "Pairs that another wrote"),
      pathPanel(own, "Pairs of the model's own"),
      ...gainPanels(others),
      spreadPanel(),
    ],
    tables: [
      gainTable(settings),
      optimaTable(settings),
      endTable(settings, { reward: "gold reward", kl: "KL (nats)" }),
    ],
  };
}

const isOffPolicy = ({ level }: OddsSetting) =>
  level["offPolicy"] === OFF_POLICY.offPolicy;

const middle = (setting: OddsSetting, measure: string) =>
  quantile(endsOf(setting, measure), 0.5);

/** The finding, whatever the numbers are. */
function titleOf(
  others: readonly OddsSetting[],
  own: readonly OddsSetting[],
): string {
  const gain = (settings: readonly OddsSetting[], name: string) => {
    const setting = settings.find((each) => each.name === name);
    return setting ? signed(middle(setting, "rejectedGain")) : "–";
  };
  const [odds, probabilities] = [ODDS, PROBABILITIES]
    .map((loss) => gain(others, `${loss} λ 1`));
  return `SFT moves rejected answers by ${
    gain(others, "sft")
  } nats where another wrote the pairs, by ${
    gain(own, "sft")
  } where the model did; there the odds ratio takes them to ${odds}, the probability ratio to ${probabilities}`
    .replace("; there", "; of another's pairs,");
}

/** With its sign, and a minus that is none of a hyphen. */
function signed(x: number): string {
  return `${x < 0 ? "−" : "+"}${digits(Math.abs(x))}`;
}

/** Both gains along training, from π_ref on, and where each loss wants to go. */
function pathPanel(settings: readonly OddsSetting[], title: string): Panel {
  const drawn = settings.filter(({ name }) => name in DRAWN);
  const paths = drawn.map(pathTrace);
  const heights = [...paths.flatMap(({ y }) => y.map(Number)), 0];
  const ends = paths.map(({ x, y, name, line }): LineEnd => ({
    ...{ x: Number(x.at(-1)), y: Number(y.at(-1)), text: `${name}` },
    color: `${line?.color}`,
  }));
  return {
    title,
    note:
      "Lines are medians along training, from the reference model at 0, small marks single runs at the end. A hollow diamond is the policy that the loss itself would choose with endless pairs. On the dotted line both rise or fall alike.",
    data: [
      diagonal(Math.min(...heights), Math.max(...heights)),
      ...drawn.flatMap(runTraces),
      ...paths,
    ],
    layout: {
      showlegend: false,
      xaxis: { title: { text: "chosen: mean log π/π_ref, nats" } },
      yaxis: { title: { text: "rejected: mean log π/π_ref, nats" } },
      annotations: endLabels(ends, {
        range: [Math.min(...heights), Math.max(...heights)],
      }),
      margin: { r: labelMargin(ends) },
    },
  };
}

function pathTrace(setting: OddsSetting): ScatterTrace {
  const points = setting.trajectory.map(({ medians }) => medians);
  return {
    ...{ type: "scatter", mode: "lines+markers" },
    name: DRAWN[setting.name]!,
    x: points.map(({ chosenGain }) => rounded(chosenGain ?? 0)),
    y: points.map(({ rejectedGain }) => rounded(rejectedGain ?? 0)),
    ...methodStyle(setting.loss),
  };
}

/** Each run at its end, and the optimum of the loss. */
function runTraces(setting: OddsSetting): ScatterTrace[] {
  const { marker } = methodStyle(setting.loss);
  const name = DRAWN[setting.name]!;
  const { chosenGain, rejectedGain } = setting.optimum;
  return [{
    ...{ type: "scatter", mode: "markers", name },
    x: endsOf(setting, "chosenGain").map(rounded),
    y: endsOf(setting, "rejectedGain").map(rounded),
    marker: { ...marker, size: 5, opacity: 0.35 },
  }, {
    ...{ type: "scatter", mode: "markers", name: `${name}, optimum` },
    x: [rounded(chosenGain)],
    y: [rounded(rejectedGain)],
    marker: { ...marker, symbol: "diamond-open", size: 11 },
  }];
}

function diagonal(low: number, high: number): ScatterTrace {
  const ends = [low, high].map(rounded);
  return {
    ...{ type: "scatter", mode: "lines", name: "both alike" },
    ...{ x: ends, y: ends, hoverinfo: "skip" },
    line: { color: MUTED, width: 1, dash: "dot" },
  };
}

function gainPanels(others: readonly OddsSetting[]): Panel[] {
  return [["chosen", "chosenGain"], ["rejected", "rejectedGain"]].map((
    [side, measure],
  ) =>
    curvePanel(
      others.map(({ level: _, ...setting }) => ({ ...setting, level: {} })),
      {
        measure: measure!,
        title: `The ${side} along training, by λ`,
        axis: "mean log π/π_ref, nats",
        note: "Medians over runs, on pairs that another wrote.",
      },
    )
  );
}

/** The laws of both ratios, in closed form. */
function spreadPanel(): Panel {
  const grid = Array.from({ length: 161 }, (_, i) => (i - 80) / 10);
  const line = (loss: string, law: RatioLaw, name: string): ScatterTrace => ({
    ...{ type: "scatter", mode: "lines", name },
    x: grid,
    y: grid.map((x) => rounded(law.density(x))),
    line: methodStyle(loss).line,
  });
  return {
    title: "Log ratios of two uniform probabilities",
    note:
      "Exact densities, of which figure 6 of the paper has histograms. Where the ratio of probabilities is rarely large, its contrast rarely lets go.",
    data: Object.entries(LAWS).map(([loss, { law, name }]) =>
      line(loss, law, name)
    ),
    layout: {
      legend: { x: 1, xanchor: "right", y: 1 },
      xaxis: { title: { text: "log ratio, nats" } },
      yaxis: { title: { text: "density" }, rangemode: "tozero" },
    },
  };
}

const writerOf = (setting: OddsSetting) =>
  isOffPolicy(setting) ? "another" : "the model";

function gainTable(settings: readonly OddsSetting[]) {
  const gain = (measure: string) => (setting: OddsSetting) => {
    const values = endsOf(setting, measure);
    return values.length === 0 ? null : digits(quantile(values, 0.5));
  };
  return tableOf(settings, {
    caption:
      "Mean log-ratios at the end of training, in nats: medians over runs",
    columns: {
      method: ({ name }) => name,
      "pairs by": writerOf,
      chosen: gain("chosenGain"),
      rejected: gain("rejectedGain"),
      "rejected, never chosen": gain("neverChosenGain"),
      reward: gain("reward"),
      "KL (nats)": gain("kl"),
    },
  });
}

function optimaTable(settings: readonly OddsSetting[]) {
  return tableOf(settings, {
    caption:
      "The same of the policy that each loss itself would choose with endless pairs",
    columns: {
      method: ({ name }) => name,
      "pairs by": writerOf,
      chosen: ({ optimum }) => digits(optimum.chosenGain),
      rejected: ({ optimum }) => digits(optimum.rejectedGain),
      reward: ({ optimum }) => digits(optimum.reward),
      "KL (nats)": ({ optimum }) => digits(optimum.kl),
    },
  });
}
