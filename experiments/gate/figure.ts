import {
  counted,
  digits,
  endsOf,
  endTable,
  lossesOf,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import type { Level } from "lib/experiment/grid.ts";
import {
  findSetting,
  type GridSummary,
  type SettingSummary,
} from "lib/experiment/summary.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { COLORS } from "lib/plot/style.ts";
import { quantile } from "lib/stats/interval.ts";
import { ONE_RATE, OWN } from "./settings.ts";

/** Answers whose log π is followed, and their looks. */
const PROBES = [
  { measure: "chosenGain", name: "chosen", color: COLORS.green },
  { measure: "unrelatedGain", name: "unrelated", color: COLORS.sky },
  { measure: "rejectedGain", name: "rejected", color: COLORS.vermilion },
] as const;

/** Of Pythia-410M: chosen, rejected, unrelated. */
const REPORTED: Readonly<Record<string, string>> = {
  dpo: "−11.90 / −26.35 / −27.55",
  ipo: "−0.95 / −9.43 / −8.55",
  "cal-dpo": "1.03 / −6.74 / −3.02",
  "dpo-shift": "−10.60 / −25.40 / –",
  "gate-dpo": "1.17 / −7.31 / −1.42",
};

/** The figure of a summary. Equal summaries give equal figures. */
export function gateFigure(summary: GridSummary): Figure {
  const { settings, draws } = summary;
  return {
    title: titleOf(summary),
    text: [
      "A decoder answers with at most three of six words, and all its strings are scored. Chosen and rejected are those of 48 pairs by a known reward; unrelated answers are well-formed and in no pair.",
      draws.length === 1
        ? runsText(summary)
        : `Marks are medians over ${
          counted(draws.length, "draw")
        } of the reference model, bars go from the smallest to the largest.`,
    ],
    pictured: 2,
    panels: [
      probePanel(summary, ONE_RATE, "At one rate for all losses"),
      probePanel(summary, OWN, "At the rate that tuning chose for each"),
    ],
    tables: [
      paperTable(summary),
      endTable(settings.map(atItsRate), {
        chosenGain: "Δ chosen",
        rejectedGain: "Δ rejected",
        unrelatedGain: "Δ unrelated",
        topGain: "Δ likeliest",
        reward: "gold reward",
        kl: "KL (nats)",
      }),
    ],
  };
}

/** A setting with the rate that its runs had. */
function atItsRate(setting: SettingSummary): SettingSummary {
  const { level, learningRate } = setting;
  return { ...setting, learningRate: level["learningRate"] ?? learningRate };
}

/** The finding, whatever the numbers are. */
function titleOf(summary: GridSummary): string {
  const [plain, gated, other] = ["dpo", "gate-dpo", "gate-ipo"].map((loss) =>
    middle(summary, loss, ONE_RATE, "chosenGain")
  );
  return plain === undefined || gated === undefined
    ? "What a gate on the rejected gradient does"
    : `With a gate, DPO changes log π(chosen) by ${
      digits(gated)
    } nats instead of ${digits(plain)}${
      other === undefined ? "" : `, and IPO by ${digits(other)}`
    }`;
}

function middle(
  { settings }: GridSummary,
  loss: string,
  level: Level,
  measure: string,
): number | undefined {
  const setting = findSetting(settings, loss, level);
  return setting ? quantile(endsOf(setting, measure), 0.5) : undefined;
}

/** The change of log π of each kind of answer, by loss. */
function probePanel(summary: GridSummary, level: Level, title: string): Panel {
  const losses = lossesOf(summary.settings).filter((loss) =>
    findSetting(summary.settings, loss, level)
  );
  const data = PROBES.map(({ measure, name, color }, k): ScatterTrace => {
    const runs = losses.map((loss) =>
      endsOf(findSetting(summary.settings, loss, level)!, measure)
    );
    const middles = runs.map((values) => quantile(values, 0.5));
    return {
      ...{ type: "scatter", mode: "markers", name },
      // Side by side, so that bars do not cover each other.
      x: losses.map((_, i) => rounded(i + (k - 1) * 0.22)),
      y: middles.map(rounded),
      marker: { color, size: 10 },
      error_y: {
        type: "data",
        symmetric: false,
        array: runs.map((values, i) =>
          rounded(Math.max(...values) - middles[i]!)
        ),
        arrayminus: runs.map((values, i) =>
          rounded(middles[i]! - Math.min(...values))
        ),
        color,
        thickness: 1.5,
        width: 0,
      },
    };
  });
  return {
    title,
    data,
    layout: {
      xaxis: {
        tickvals: losses.map((_, i) => i),
        ticktext: losses.map((loss) => loss.replace("-", "-<br>")),
        tickangle: 0,
        showgrid: false,
      },
      yaxis: { title: { text: "change of log π, nats" } },
    },
  };
}

/** The paper's table beside medians here. */
function paperTable(summary: GridSummary): Table {
  const cell = (loss: string, level: Level) => {
    const values = ["chosenGain", "rejectedGain", "unrelatedGain"].map((
      measure,
    ) => middle(summary, loss, level, measure));
    return values.map((value) => value === undefined ? "–" : digits(value))
      .join(
        " / ",
      );
  };
  return {
    caption:
      "Change of log π of chosen / rejected / unrelated answers, in nats: medians over draws",
    columns: ["loss", "Pythia-410M (paper)", "here, one rate", "here, tuned"],
    rows: lossesOf(summary.settings).map((loss) => [
      loss,
      REPORTED[loss] ?? null,
      ...[ONE_RATE, OWN].map((level) => cell(loss, level)),
    ]),
  };
}
