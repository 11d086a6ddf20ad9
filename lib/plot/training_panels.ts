import type { Panel, ScatterTrace } from "./figure.ts";
import { labelledLines } from "./labels.ts";
import { rounded } from "./page.ts";
import { OKABE_ITO, type SeriesStyle, seriesStyle } from "./style.ts";
import type { TrainingSheet } from "./training_sheet.ts";

/** A metric over the steps of a run. */
interface Series {
  metric: string;
  name: string;
  style: SeriesStyle;
  /** The factor of the values. @default 1 */
  scale?: number;
  /** Whether it measures the same examples each time, at some steps. @default false */
  points?: boolean;
  /** The value before the first step, if it is known. */
  start?: number;
}

interface PanelSpec {
  title: string;
  axis: string;
  note?: string;
  series: readonly Series[];
  /** Whether the axis begins at 0. */
  fromZero?: boolean;
}

const CHOSEN = seriesStyle(0);
const REJECTED = seriesStyle(1);
/** The style of series that belong to neither, or to both. */
const BOTH: SeriesStyle = {
  line: { color: OKABE_ITO[6], dash: "solid" },
  marker: { color: OKABE_ITO[6], symbol: "diamond" },
};

/** All panels of a run for which it has data. */
export function trainingPanels(sheet: TrainingSheet): Panel[] {
  const specs = [
    ...lossSpecs(sheet),
    ...likelihoodSpecs(sheet),
    ...gradientSpecs(),
    klSpec(sheet),
    partsSpec(sheet),
  ];
  return specs.flatMap((spec) => panelOf(spec, sheet));
}

function lossSpecs({ objective }: TrainingSheet): PanelSpec[] {
  return [
    {
      title: "Loss",
      axis: "loss, mean of examples",
      note: objective,
      series: [
        { metric: "loss", name: "batch", style: BOTH },
        { metric: "eval/loss", name: "evaluation", style: BOTH, points: true },
      ],
    },
    {
      title: "Gradient norm",
      axis: "norm before clipping",
      fromZero: true,
      series: [{ metric: "gradNorm", name: "batch", style: BOTH }],
    },
  ];
}

function likelihoodSpecs(sheet: TrainingSheet): PanelSpec[] {
  return [
    {
      title: "Log-probabilities since the start",
      axis: "log π/π_start, nats a completion",
      note:
        "Above 0, completions have become likelier than they were before the first step.",
      series: [
        ...change("chosen", { rewards: "chosen", style: CHOSEN, sheet }),
        ...change("rejected", { rewards: "rejected", style: REJECTED, sheet }),
      ],
    },
    {
      title: "Margin since the start",
      axis: "chosen − rejected, nats",
      note: "How much more chosen completions have gained than rejected ones.",
      series: change("margin", { rewards: "margins", style: BOTH, sheet }),
    },
    accuracySpec(sheet),
    {
      title: "Log-probabilities of each batch",
      axis: "log π, nats a completion",
      note: "Batches hold different examples, which causes much of the noise.",
      series: sheet.rewardScale !== null && hasMetric(sheet, "rewards/chosen")
        ? []
        : completions("logps"),
    },
  ];
}

/** The change since the start, by rewards and on the probe. */
function change(
  quantity: string,
  { rewards, style, sheet: { rewardScale, probe } }: {
    rewards: string;
    style: SeriesStyle;
    sheet: TrainingSheet;
  },
): Series[] {
  const batch = {
    metric: `rewards/${rewards}`,
    name: `${quantity}, batch`,
    style,
  };
  return [
    ...rewardScale === null ? [] : [{ ...batch, scale: 1 / rewardScale }],
    {
      metric: `change/${quantity}`,
      name: `${quantity}, ${probeName(probe)}`,
      style,
      points: true,
      start: 0,
    },
  ];
}

function accuracySpec({ rewardScale, probe }: TrainingSheet): PanelSpec {
  const batch = { metric: "rewards/accuracies", name: "batch", style: BOTH };
  return {
    title: "Accuracy",
    axis: "share of pairs",
    note:
      "Pairs whose chosen completion gained strictly more than the rejected one.",
    fromZero: true,
    series: [
      ...rewardScale === null ? [] : [batch],
      {
        metric: "change/accuracies",
        name: probeName(probe),
        style: BOTH,
        points: true,
      },
    ],
  };
}

function gradientSpecs(): PanelSpec[] {
  return [
    {
      title: "Gradient weight",
      axis: "|∂loss/∂log π|, a token",
      note: "How strongly a step changes a token of a completion, on average.",
      fromZero: true,
      series: completions("weights"),
    },
    {
      title: "Length",
      axis: "tokens a completion",
      note: "Completions in each batch.",
      fromZero: true,
      series: completions("lengths"),
    },
  ];
}

function klSpec(sheet: TrainingSheet): PanelSpec {
  const { statistics, probe } = sheet;
  const hasKl = statistics !== null && hasMetric(sheet, "kl");
  return {
    title: "KL divergence, estimated",
    axis: "KL, nats a completion",
    note: [
      "From the start: KL(π_start‖π) as the mean of log π_start − log π, as if completions were drawn from π_start. They are not, so it may be below 0.",
      ...hasKl ? [`The loss's: ${statistics}.`] : [],
    ].join(" "),
    series: [
      { metric: "klRaw", name: "the loss's, raw", style: seriesStyle(3) },
      { metric: "kl", name: "the loss's", style: seriesStyle(2) },
      {
        metric: "kl/start",
        name: `from the start, ${probeName(probe)}`,
        style: BOTH,
        points: true,
        start: 0,
      },
    ],
  };
}

/** Metrics that another panel has. */
const ELSEWHERE =
  /\/|^(step|epoch|loss|gradNorm|learningRate|examples|tokens|seconds|kl|klRaw)$/;

/** The metrics of this loss alone. */
function partsSpec(sheet: TrainingSheet): PanelSpec {
  const { statistics, rows } = sheet;
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const parts = [...names].filter((name) => !ELSEWHERE.test(name));
  return {
    title: "Parts of the loss",
    axis: "value, mean of examples",
    ...statistics !== null && !hasMetric(sheet, "kl") &&
      { note: `${statistics}.` },
    series: parts.map((metric, i) => ({
      metric,
      name: metric,
      style: seriesStyle(i + 2),
    })),
  };
}

function hasMetric({ rows }: TrainingSheet, name: string): boolean {
  return rows.some((row) => name in row);
}

function completions(metric: string): Series[] {
  return [
    { metric: `${metric}/chosen`, name: "chosen", style: CHOSEN },
    { metric: `${metric}/rejected`, name: "rejected", style: REJECTED },
  ];
}

function probeName(probe: TrainingSheet["probe"]): string {
  return probe?.on === "training" ? "probe" : "evaluation";
}

function panelOf(
  { title, axis, note, series, fromZero = false }: PanelSpec,
  { rows }: TrainingSheet,
): Panel[] {
  const data = series.flatMap((each) => traceOf(each, rows));
  if (data.length === 0) return [];
  return [{
    title,
    ...note === undefined ? {} : { note },
    data: data.map((trace) => paler(trace, data)),
    layout: {
      xaxis: { title: { text: "step" }, rangemode: "tozero" },
      yaxis: {
        title: { text: axis },
        ...fromZero && { rangemode: "tozero" },
      },
      ...labelledLines(data, { fromZero }),
      hovermode: "x unified",
    },
  }];
}

function traceOf(
  { metric, name, style, scale = 1, points = false, start }: Series,
  rows: TrainingSheet["rows"],
): ScatterTrace[] {
  const measured = rows.flatMap((row) => {
    const value = row[metric] ?? null;
    return value === null ? [] : [{ step: row.step, y: scale * value }];
  });
  if (measured.length === 0) return [];
  const all = start === undefined
    ? measured
    : [{ step: 0, y: start }, ...measured];
  return [{
    type: "scatter",
    name,
    x: all.map(({ step }) => step),
    y: all.map(({ y }) => rounded(y)),
    ...points
      ? { mode: "lines+markers", ...style }
      : { mode: "lines", line: { ...style.line, width: 2 } },
  }];
}

const hasPoints = ({ mode }: ScatterTrace) => mode !== "lines";

/** Pales a line of batches behind a line of points of the same colour. */
function paler(trace: ScatterTrace, data: readonly ScatterTrace[]) {
  const isBacked = data.some((other) =>
    hasPoints(other) && other.line!.color === trace.line!.color
  );
  if (hasPoints(trace) || !isBacked) return trace;
  return { ...trace, opacity: 0.5, line: { ...trace.line, width: 1.5 } };
}
