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
import { MUTED, textColor } from "lib/plot/style.ts";
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
  // Each name stands beside its line, at this log ratio.
  [ODDS]: { law: ODDS_RATIO, name: "log odds ratio", at: 2.6 },
  [PROBABILITIES]: {
    ...{ law: PROBABILITY_RATIO, name: "log probability ratio", at: 0.5 },
  },
};

/** The figure of a summary. Equal summaries give equal figures. */
export function oddsFigure(summary: Summary): Figure {
  const { settings } = summary;
  const others = settings.filter(isOffPolicy);
  const own = settings.filter((setting) => !isOffPolicy(setting));
  const ranges = rangesOf(settings);
  return {
    title: titleOf(others, own),
    text: [
      "ORPO adds a contrast of chosen and rejected to SFT on the chosen: by the ratio of their odds, where the ratio of probabilities would be simpler. Here both train a small decoder, all of whose answers are known, on pairs that it gave itself or that another wrote in a style that it seldom has.",
      runsText(summary),
    ],
    pictured: 2,
    panels: [
      pathPanel(others, { title: "Pairs that another wrote", ranges }),
      pathPanel(own, { title: "Pairs of the model's own", ranges }),
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
  } nats where another wrote them, by ${
    gain(own, "sft")
  } where the model did; the odds ratio takes another's to ${odds}, the probability ratio to ${probabilities}`;
}

/** With its sign, and a minus that is none of a hyphen. */
function signed(x: number): string {
  return `${x < 0 ? "−" : "+"}${digits(Math.abs(x))}`;
}

/** Both gains along training, from π_ref on, and where each loss wants to go. */
function pathPanel(
  settings: readonly OddsSetting[],
  { title, ranges }: { title: string; ranges: Ranges },
): Panel {
  const drawn = settings.filter(isDrawn);
  const paths = drawn.map(pathTrace);
  const ends = paths.map(({ x, y, name, line }): LineEnd => ({
    ...{ x: Number(x.at(-1)), y: Number(y.at(-1)), text: `${name}` },
    color: `${line?.color}`,
  }));
  return {
    title,
    note:
      "Lines are medians along training, from the reference model at 0, small marks single runs at the end. A hollow diamond is the policy that the loss itself would choose with endless pairs. On the dotted line both rise or fall alike.",
    data: [
      diagonal(Math.max(ranges.x[0], ranges.y[0]), ranges.y[1]),
      ...drawn.flatMap(runTraces),
      ...paths,
    ],
    layout: {
      showlegend: false,
      xaxis: {
        title: { text: "chosen: mean log π/π_ref, nats" },
        range: [...ranges.x],
      },
      yaxis: {
        title: { text: "rejected: mean log π/π_ref, nats" },
        range: [...ranges.y],
      },
      annotations: endLabels(ends, { range: ranges.y, lineHeight: 0.08 }),
      margin: { r: labelMargin(ends) },
    },
  };
}

const isDrawn = ({ name }: OddsSetting) => name in DRAWN;

type Ranges = Readonly<Record<"x" | "y", readonly [number, number]>>;

/** The axes that all paths share, a little longer than their marks need. */
function rangesOf(settings: readonly OddsSetting[]): Ranges {
  const traces = settings.filter(isDrawn)
    .flatMap((setting) => [pathTrace(setting), ...runTraces(setting)]);
  const around = (values: readonly number[]) => {
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    const more = 0.06 * (high - low);
    return [rounded(low - more), rounded(high + more)] as const;
  };
  return {
    x: around(traces.flatMap(({ x }) => x.map(Number))),
    y: around(traces.flatMap(({ y }) => y.map(Number))),
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

const SIDES = {
  chosenGain: "The chosen",
  rejectedGain: "The rejected",
  neverChosenGain: "The rejected that no pair has chosen,",
};

function gainPanels(others: readonly OddsSetting[]): Panel[] {
  const unlabelled = others.map((setting) => ({ ...setting, level: {} }));
  return Object.entries(SIDES).map(([measure, called]) =>
    curvePanel(unlabelled, {
      ...{ measure, title: `${called} along training` },
      axis: "mean log π/π_ref, nats",
      note: "Medians over runs, on pairs that another wrote.",
    })
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
      showlegend: false,
      xaxis: { title: { text: "log ratio, nats" } },
      yaxis: { title: { text: "density" }, rangemode: "tozero" },
      annotations: Object.entries(LAWS).map(([loss, { law, name, at }]) => ({
        ...{ x: at, y: rounded(law.density(at)), text: name },
        ...{ showarrow: false, xanchor: "left", yanchor: "bottom", xshift: 4 },
        font: { color: textColor(methodStyle(loss).line.color), size: 12 },
      })),
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
