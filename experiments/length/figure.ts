import {
  digits,
  endsOf,
  endTable,
  lossesOf,
  methodStyle,
  nameOf,
  rounded,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { runClouds } from "lib/plot/reward_plane.ts";
import { LIGHT, MUTED } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { mean } from "lib/train/metrics.ts";
import { PER_TOKEN } from "./settings.ts";
import { GAIN, type LengthSetting, type Summary } from "./summary.ts";

const NAMES: Readonly<Record<string, string>> = {
  dpo: "DPO",
  "r-dpo": "R-DPO",
  "ld-dpo": "LD-DPO",
  "ln-dpo": "LN-DPO",
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
    panels: [lengthPanel(settings)],
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
  const biased = atLevel(settings, PER_TOKEN);
  const written = (loss: string) => {
    const setting = biased.find((each) => each.loss === loss);
    const tokens = setting ? middleAtGain(setting) : null;
    return tokens === null ? "–" : digits(tokens);
  };
  const { starts } = settings[0]!;
  return `Where labels like length, R-DPO writes ${
    written("r-dpo")
  } tokens at a gold reward for which DPO writes ${
    written("dpo")
  }; the reference model writes ${digits(quantile(starts, 0.5))}`;
}

/** The median of a setting's tokens at the gain; `null` if a run has none. */
function middleAtGain({ atGain }: LengthSetting): number | null {
  const known = atGain.filter((tokens) => tokens !== null);
  return known.length < atGain.length ? null : quantile(known, 0.5);
}

function atLevel(settings: readonly LengthSetting[], perToken: number) {
  return settings.filter(({ level }) => level["perToken"] === perToken);
}

/** Tokens of every run at the gain, method by method, at both levels. */
function lengthPanel(settings: readonly LengthSetting[]): Panel {
  const losses = lossesOf(settings);
  const start = mean(settings.flatMap(({ starts }) => starts));
  const ends = [-0.5, losses.length - 0.5];
  return {
    title: `Tokens of an answer where gold has first risen by ${GAIN}`,
    note:
      "Dots are runs, large marks their medians: in gray with labels that do not like length, in colour with labels that do. Hollow diamonds are optima of the losses themselves, exact, where they were found. The dotted line is the length of the reference model, which the best policy of any gold reward keeps. LN-DPO is length-normalized DPO.",
    wide: true,
    data: [
      {
        ...{ type: "scatter", mode: "lines", x: ends, y: [start, start] },
        line: { color: MUTED, width: 1, dash: "dot" },
        ...{ showlegend: false, hoverinfo: "skip" },
      },
      ...settings.flatMap((setting) =>
        marksOf(setting, losses.indexOf(setting.loss))
      ),
    ],
    layout: {
      showlegend: false,
      xaxis: {
        ...{ range: ends, tickvals: [...losses.keys()], zeroline: false },
        ticktext: losses.map((loss) => NAMES[loss] ?? loss),
      },
      yaxis: { title: { text: "tokens of an answer" } },
    },
  };
}

function marksOf(setting: LengthSetting, column: number): ScatterTrace[] {
  const { loss, level, atGain, optimum } = setting;
  const isBiased = level["perToken"]! > 0;
  const style = methodStyle(loss);
  const marker = { ...style.marker, ...isBiased ? {} : { color: LIGHT } };
  const x = column + (isBiased ? 0.15 : -0.15);
  const known = atGain.filter((tokens) => tokens !== null);
  if (known.length === 0) return [];
  const point = { x, y: quantile(known, 0.5) };
  const [dots, middle] = runClouds([{
    name: nameOf(setting),
    runs: known.map((y) => ({ x, y })),
    middle: point,
  }], { name: nameOf(setting), marker });
  if (!optimum) return [dots, middle];
  return [dots, middle, {
    ...{ type: "scatter", mode: "markers", name: `${NAMES[loss]}'s optimum` },
    ...{ x: [x + 0.12], y: [rounded(optimum.tokens)], showlegend: false },
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
