import {
  counted,
  curvePanel,
  digits,
  endsOf,
  endTable,
  methodStyle,
  percent,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import { findSetting } from "lib/experiment/summary.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { quantile } from "lib/stats/interval.ts";
import { mean } from "lib/train/metrics.ts";
import { ALIKE, ALONE, DOSES, FILTERED, HALVED, TUNED } from "./settings.ts";
import type { DisplacementSetting, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function displacementFigure(summary: Summary): Figure {
  const { settings, reference } = summary;
  const alike = DOSES.at(-1)!;
  return {
    title: titleOf(summary),
    text: [
      `A small decoder answers each prompt with one of 48 tokens, six times as many as its states have numbers; answers agree or refuse. Each prompt has a pair: an answer of π_ref is chosen over one whose row of the head is most alike, least alike or between. Probabilities are exact. The likeliest answer of a prompt has ${
        percent(reference.likeliest)
      } under π_ref.`,
      summary.draws.length === 1
        ? runsText(summary)
        : `Lines join means or medians over ${
          counted(summary.draws.length, "draw")
        } of the world and its reference model.`,
    ],
    pictured: 2,
    panels: [
      dosePanel(summary, {
        measure: "chosenGain",
        title: "Chosen answers rise less where alike",
        axis: { title: { text: "change of log π(chosen), nats" } },
      }),
      dosePanel(summary, {
        measure: "fell",
        title: "Chosen answers that fell",
        axis: { title: { text: "share of pairs" }, tickformat: ".0%" },
      }),
      curvePanel(at(settings, alike), {
        measure: "chosenGain",
        title: "Along training on the most alike pairs",
        axis: "change of log π(chosen), nats",
        note: "Medians over runs.",
      }),
      curvePanel(at(settings, alike), {
        measure: "oppositeOfStronger",
        title: "The opposite stance, where the stronger answer is rejected",
        axis: "change of its probability",
        note:
          "The same pairs, as far as both answers take one stance and the rejected is the stronger: medians over runs.",
      }),
    ],
    tables: [
      gainersTable(summary),
      fallTable(summary),
      aloneTable(summary),
      filterTable(summary),
      endTable(settings, {
        chosenGain: "Δ log π(chosen)",
        rejectedGain: "Δ log π(rejected)",
        fell: "chosen that fell",
        accuracy: "accuracy",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf({ settings }: Summary): string {
  const [apart, alike] = [DOSES[0]!, ALIKE].map((level) => {
    const dpo = findSetting(settings, "dpo", level);
    return dpo ? percent(mean(endsOf(dpo, "fell"))) : null;
  });
  return apart === null || alike === null
    ? "Which answers a loss lowers that it is to prefer"
    : `DPO lowers ${alike} of chosen answers where the rejected one is most alike, ${apart} where it is least alike`;
}

const at = (settings: readonly DisplacementSetting[], level: typeof ALIKE) =>
  settings.filter((setting) =>
    findSetting([setting], setting.loss, level) !== undefined
  ).map((setting) => ({ ...setting, level: {}, options: {} }));

/** A measure against likeness: a line for each loss. */
function dosePanel(
  { settings }: Summary,
  { measure, title, axis }: {
    measure: string;
    title: string;
    axis: Panel["layout"]["yaxis"];
  },
): Panel {
  const losses = [...new Set(settings.map(({ loss }) => loss))];
  const data = losses.map((loss): ScatterTrace => {
    const points = DOSES.flatMap((level) => {
      const setting = findSetting(settings, loss, level);
      return setting
        ? [{ x: level.likeness, y: mean(endsOf(setting, measure)) }]
        : [];
    });
    return {
      ...{ type: "scatter", mode: "lines+markers", name: loss },
      x: points.map(({ x }) => x),
      y: points.map(({ y }) => rounded(y)),
      ...methodStyle(loss),
    };
  });
  return {
    title,
    note:
      "Means over runs at the end of training. From left to right, the rejected answer is the one least like the chosen, the middle one, and the one most like it.",
    data,
    layout: {
      ...labelledLines(data, { fromZero: true }),
      xaxis: {
        tickvals: DOSES.map(({ likeness }) => likeness),
        ticktext: ["least alike", "middle", "most alike"],
        range: [-0.08, 1.04],
      },
      yaxis: { ...axis, rangemode: "tozero" },
    },
  };
}

/** Where the probability went, of the most alike pairs. */
function gainersTable({ settings }: Summary): Table {
  const columns = {
    chosen: "chosen",
    rejected: "rejected",
    same: "others of its stance",
    opposite: "opposite stance",
    oppositeOfStronger: "opposite, rejected stronger",
    oppositeOfWeaker: "opposite, rejected weaker",
  };
  const signed = (x: number) => `${x > 0 ? "+" : ""}${digits(100 * x)}`;
  return {
    caption:
      "Change of probability on the most alike pairs, in points: means over runs",
    columns: ["loss", ...Object.values(columns)],
    rows: settings.filter((setting) =>
      findSetting([setting], setting.loss, ALIKE)
    ).map((setting) => [
      setting.loss,
      ...Object.keys(columns).map((name) => {
        const ends = endsOf(setting, name);
        const starts = setting.starts[name];
        return signed(mean(ends) - (starts ? mean(starts) : 0));
      }),
    ]),
  };
}

/** Runs on one prompt alone, and what they start from. */
function aloneOf(settings: readonly DisplacementSetting[]) {
  return [
    { from: "after SFT", level: TUNED },
    { from: "π_ref", level: ALONE },
  ].flatMap(({ from, level }) =>
    ["dpo", "ipo"].flatMap((loss) => {
      const setting = findSetting(settings, loss, level);
      return setting ? [{ from, setting }] : [];
    })
  );
}

/** One prompt alone, draw by draw, as in the paper's first tables. */
function aloneTable({ settings }: Summary): Table {
  return {
    caption:
      "One prompt alone, on its most alike pair: π(chosen), and the change of all other answers",
    columns: [
      ...["from", "loss", "draw", "at the start", "least along training"],
      ...["at the end", "others of its stance", "opposite stance"],
    ],
    rows: aloneOf(settings).flatMap(({ from, setting }) =>
      setting.runs.map(({ draw }, i) => {
        const path = setting.chosenPaths[i]!;
        return [
          ...[from, setting.loss, `${draw}`],
          ...[path[0]!, Math.min(...path), path.at(-1)!].map(digits),
          ...["same", "opposite"].map((name) =>
            digits(setting.ends[name]![i] ?? NaN)
          ),
        ];
      })
    ),
  };
}

/** Those tables in few numbers: how often the chosen answer falls, and how far. */
function fallTable({ settings }: Summary): Table {
  return {
    caption: "One prompt alone: the chosen answer over draws",
    columns: [
      ...["from", "loss", "runs in which it falls"],
      ...["median at the start", "median at the end"],
      "runs in which the opposite stance gains most",
    ],
    rows: aloneOf(settings).map((
      { from, setting },
    ) => [from, setting.loss, ...fallOf(setting)]),
  };
}

function fallOf({ chosenPaths, ends, runs }: DisplacementSetting): string[] {
  const [starts, lasts] = [0, -1].map((i) =>
    chosenPaths.map((path) => path.at(i)!)
  );
  const fell = lasts!.filter((last, i) => last < starts![i]!).length;
  const won = runs.filter((_, i) => {
    const gains = [lasts![i]! - starts![i]!, ends["same"]![i] ?? 0];
    return (ends["opposite"]![i] ?? 0) > Math.max(0, ...gains);
  }).length;
  return [
    `${fell} of ${runs.length}`,
    ...[starts!, lasts!].map((values) => digits(quantile(values, 0.5))),
    `${won} of ${runs.length}`,
  ];
}

function filterTable({ settings }: Summary): Table {
  const losses = [...new Set(settings.map(({ loss }) => loss))];
  const middle = (loss: string, level: typeof FILTERED) => {
    const setting = findSetting(settings, loss, level);
    return setting ? digits(quantile(endsOf(setting, "chosenGain"), 0.5)) : "–";
  };
  return {
    caption:
      "Change of log π(chosen) of all of π_ref's own pairs, after training on half of them: medians over draws",
    columns: ["loss", "the less alike half", "any half"],
    rows: losses.map((
      loss,
    ) => [loss, middle(loss, FILTERED), middle(loss, HALVED)]),
  };
}
