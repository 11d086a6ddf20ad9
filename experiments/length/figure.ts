import {
  digits,
  endsOf,
  endTable,
  methodStyle,
  nameOf,
  rounded,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { endLabels, labelMargin } from "lib/plot/labels.ts";
import { MUTED } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { mean } from "lib/train/metrics.ts";
import { PER_TOKEN } from "./settings.ts";
import { GAIN, type LengthSetting, type Summary } from "./summary.ts";

/** Where the axes of both panels end. */
const REWARDS: [number, number] = [-0.1, 1];
const TOKENS: [number, number] = [2.2, 3.8];

const NAMES: Readonly<Record<string, string>> = {
  dpo: "DPO",
  "r-dpo": "R-DPO",
  "ld-dpo": "LD-DPO",
  "ln-dpo": "length-normalized DPO",
  simpo: "SimPO",
  orpo: "ORPO",
};

/** The figure of a summary. Equal summaries give equal figures. */
export function lengthFigure(summary: Summary): Figure {
  const { settings } = summary;
  return {
    title: titleOf(settings),
    text: [
      `An answer is “good” or “bad”, and up to three times “so”. The gold reward looks at the verdict alone; labels add ${PER_TOKEN} for each token, or do not. As length is worth nothing, the best policy of any gold reward keeps the length of the reference model. All numbers are exact: no sampling of text.`,
      runsText(summary),
    ],
    panels: [
      lengthPanel(settings, PER_TOKEN),
      lengthPanel(settings, 0),
    ],
    pictured: 2,
    tables: [
      lengthTable(settings),
      endTable(settings, {
        reward: "gold reward",
        tokens: "tokens",
        kl: "KL (nats)",
        illFormed: "ill-formed",
        correlation: "mean log π of a token with length",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(settings: readonly LengthSetting[]): string {
  const written = atLevel(settings, PER_TOKEN).flatMap((setting) => {
    const tokens = middleAtGain(setting);
    return tokens === null
      ? []
      : [`${NAMES[setting.loss]} ${digits(tokens)} tokens`];
  });
  const { starts } = settings[0]!;
  return `At the same gold reward, with labels that like length: ${
    written.join(", ")
  }; the reference model ${digits(quantile(starts, 0.5))}`;
}

/** The median of a setting's tokens at the gain; `null` if a run has none. */
function middleAtGain({ atGain }: LengthSetting): number | null {
  const known = atGain.filter((tokens) => tokens !== null);
  return known.length < atGain.length ? null : quantile(known, 0.5);
}

function atLevel(settings: readonly LengthSetting[], perToken: number) {
  return settings.filter(({ level }) => level["perToken"] === perToken);
}

function lengthPanel(
  all: readonly LengthSetting[],
  perToken: number,
): Panel {
  const settings = atLevel(all, perToken);
  const lines = settings.map(trainingLine);
  const start = mean(settings.flatMap(({ starts }) => starts));
  const ends = lines.map(({ name, x, y, line }) => ({
    text: `${name}`,
    x: Number(x.at(-1)),
    y: Number(y.at(-1)),
    color: `${line?.color}`,
  }));
  return {
    title: perToken
      ? "Labels like length: tokens against gold reward, along training"
      : "Labels do not like length",
    note:
      `Lines are medians over runs at each checkpoint. Hollow diamonds are the optima of the losses themselves, exact; that of LD-DPO, which weighs single tokens, is not computed. The dotted line is the length of the reference model.`,
    data: [
      {
        ...{ type: "scatter", mode: "lines", x: REWARDS, y: [start, start] },
        line: { color: MUTED, width: 1, dash: "dot" },
        ...{ showlegend: false, hoverinfo: "skip" },
      },
      ...lines,
      ...settings.flatMap(optimumMark),
    ],
    layout: {
      showlegend: false,
      xaxis: { title: { text: "gold reward" }, range: REWARDS },
      yaxis: { title: { text: "tokens of an answer" }, range: TOKENS },
      annotations: endLabels(ends, { range: TOKENS, reach: 0.5 }),
      margin: { r: labelMargin(ends) },
    },
  };
}

function trainingLine({ loss, trajectory }: LengthSetting): ScatterTrace {
  const of = (measure: string) =>
    trajectory.map(({ medians }) => rounded(medians[measure]!));
  return {
    ...{ type: "scatter", mode: "lines+markers", name: NAMES[loss] ?? loss },
    ...{ x: of("reward"), y: of("tokens"), ...methodStyle(loss) },
  };
}

function optimumMark({ loss, optimum }: LengthSetting): ScatterTrace[] {
  if (!optimum) return [];
  const { marker } = methodStyle(loss);
  return [{
    ...{ type: "scatter", mode: "markers", name: `${NAMES[loss]}'s optimum` },
    ...{ x: [rounded(optimum.reward)], y: [rounded(optimum.tokens)] },
    marker: { ...marker, symbol: "diamond-open", size: 12 },
  }];
}

function lengthTable(settings: readonly LengthSetting[]): Table {
  return tableOf(settings, {
    caption:
      `Tokens where gold has first risen by ${GAIN}, and of the loss's own optimum: medians (smallest to largest run)`,
    columns: {
      method: nameOf,
      "tokens there": ({ atGain }) =>
        spreadText(atGain.filter((tokens) => tokens !== null)),
      "runs there": ({ atGain }) =>
        atGain.filter((tokens) => tokens !== null).length,
      "tokens of chosen answers": (setting) =>
        digits(quantile(endsOf(setting, "chosenTokens"), 0.5)),
      "tokens of the optimum": ({ optimum }) =>
        optimum && digits(optimum.tokens),
      "its gold reward": ({ optimum }) => optimum && digits(optimum.reward),
    },
  });
}
