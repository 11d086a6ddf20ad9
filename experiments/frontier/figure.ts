import type {
  Annotation,
  ErrorBar,
  Figure,
  Panel,
  ScatterTrace,
  Table,
} from "lib/plot.ts";
import { seriesStyle } from "lib/plot/style.ts";
import type { Interval } from "lib/stats/interval.ts";
import type { Method } from "./settings.ts";
import type { SettingSummary, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function frontierFigure(summary: Summary): Figure {
  const { nll, entropy, wellFormed } = summary.reference;
  const seeds = summary.settings[0]!.seeds.length;
  return {
    title: "How near preference optimization comes to the best there is",
    text: [
      "A small decoder learns to write product reviews. Pairs of its own completions are compared by a known gold reward through Bradley–Terry, and every method trains on the same pairs. Because the world is known, so is the best reward that any policy can have at each distance from the reference model.",
      `Means over ${seeds} seeds with 95 % intervals. The reference model's loss is ${
        digits(nll)
      } nats a review (no model can be below ${digits(entropy)}); ${
        percent(wellFormed)
      } of its samples are well-formed.`,
    ],
    panels: [frontierPanel(summary), ...curvePanels(summary)],
    tables: [endTable(summary)],
  };
}

function frontierPanel(summary: Summary): Panel {
  const { attainable, methods } = summary;
  const optima = methods.find(({ loss }) => loss === "dpo")?.values ?? [];
  const marked = attainable.filter(({ beta }) => optima.includes(beta));
  // Intervals may reach far beyond: a few endless samples make a mean.
  const kls = summary.settings.map((setting) => endOf(setting)["kl"]!.mean);
  return {
    title: "Gold reward against distance from the reference model",
    note:
      "Lines join the ends of training at the values of β or λ beside them; thin lines lead there from the reference model (0, 0). Diamonds are the optima of DPO's objective at its β. Distances are on a root scale: 1, 2, 3 are 1, 4, 9 nats. Bars that leave the plot belong to settings at which a seed ran away.",
    wide: true,
    data: [
      curve("attainable", [0, ...attainable.map(({ kl }) => kl)], {
        y: [0, ...attainable.map(({ reward }) => reward)],
        line: { color: INK, width: 2.5 },
      }),
      {
        ...curve("optimum of DPO", marked.map(({ kl }) => kl), {
          y: marked.map(({ reward }) => reward),
        }),
        mode: "markers",
        marker: { color: INK, symbol: "diamond-open", size: 11 },
      },
      ...methods.flatMap((method, i) => methodTraces(summary, method, i)),
    ],
    layout: {
      xaxis: {
        title: { text: "√KL(π‖π_ref) of whole completions, √nats" },
        range: [0, rounded(1.1 * Math.max(...kls.map(rootOf)))],
      },
      yaxis: {
        title: { text: "gold reward (of −4 to 4)" },
        rangemode: "tozero",
      },
      hovermode: "closest",
      annotations: methods.flatMap((method, i) => labels(summary, method, i))
        .concat(marked.map(({ beta, kl, reward }) => ({
          x: rounded(rootOf(kl)),
          y: reward,
          text: `β ${beta}`,
          showarrow: false,
          xanchor: "right",
          yanchor: "bottom",
        }))),
    },
  };
}

const INK = "#000000";

/** A method's way to each end, and its ends. */
function methodTraces(
  summary: Summary,
  method: Method,
  index: number,
): ScatterTrace[] {
  const settings = settingsOf(summary, method);
  const { line, marker } = seriesStyle(index);
  const ways = settings.flatMap(({ trajectory }) => [
    ...trajectory.map(({ measures }) => measures),
    null,
  ]);
  const ends = settings.map(endOf);
  return [
    {
      ...curve(method.loss, ways.map((m) => m?.["kl"]?.mean ?? 0), {
        y: ways.map((m) => m?.["goldReward"]?.mean ?? null),
        line: { color: line.color, width: 1 },
      }),
      opacity: 0.4,
      legendgroup: method.loss,
      showlegend: false,
      hoverinfo: "skip",
    },
    {
      ...curve(method.loss, ends.map(({ kl }) => kl!.mean), {
        y: ends.map(({ goldReward }) => goldReward!.mean),
        line: { ...line, width: 1.5 },
      }),
      mode: "lines+markers",
      marker: { ...marker, size: 9 },
      legendgroup: method.loss,
      text: settings.map((setting) =>
        `${nameOf(setting)}: KL ${digits(endOf(setting).kl!.mean)} nats`
      ),
      hovertemplate: "%{text}, reward %{y:.2f}<extra></extra>",
      error_x: errorBar(ends.map(({ kl }) => kl!), {
        color: line.color,
        scale: rootOf,
      }),
      error_y: errorBar(ends.map(({ goldReward }) => goldReward!), {
        color: line.color,
      }),
    },
  ];
}

function curve(
  name: string,
  kl: readonly number[],
  rest: Pick<ScatterTrace, "y"> & Partial<ScatterTrace>,
): ScatterTrace {
  const x = kl.map((value) => rounded(rootOf(value)));
  const y = rest.y.map((value) => value === null ? null : rounded(value));
  return { type: "scatter", mode: "lines", name, ...rest, x, y };
}

/** The value of β or λ beside each end. */
function labels(
  summary: Summary,
  method: Method,
  index: number,
): Annotation[] {
  if (method.option === null) return [];
  return settingsOf(summary, method).map((setting) => {
    const { kl, goldReward } = endOf(setting);
    const color = seriesStyle(index).line.color;
    return {
      x: rounded(rootOf(kl!.mean)),
      y: rounded(goldReward!.mean),
      text: `<span style="color:${color}">${setting.value}</span>`,
      showarrow: false,
      xanchor: "left",
      yanchor: "top",
    };
  });
}

const CURVES: readonly {
  measure: string;
  title: string;
  axis: string;
  note?: string;
}[] = [
  {
    measure: "chosen",
    title: "Chosen completions of held-out pairs",
    axis: "log π/π_ref, nats",
    note:
      "Change of the log-probability since the start. Most methods lower that of the chosen too.",
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
    note:
      "Pairs whose chosen completion gained strictly more probability than the rejected one. Dotted: the gold reward itself, since labels are noisy.",
  },
  {
    measure: "length",
    title: "Length of samples",
    axis: "tokens (48 at most)",
  },
  {
    measure: "broken",
    title: "Broken reviews",
    axis: "share of samples",
    note: "Samples that the grammar cannot produce, or that do not end.",
  },
  {
    measure: "distinct2",
    title: "Variety of samples",
    axis: "distinct-2",
    note: "Distinct pairs of neighbouring tokens among all.",
  },
];

function curvePanels(summary: Summary): Panel[] {
  return CURVES.map(({ measure, title, axis, note }) => ({
    title,
    ...(note ? { note } : {}),
    data: [
      ...summary.methods.map((method, i) =>
        trainingCurve(summary, method, { measure, i })
      ),
      ...(measure === "accuracy" ? [goldLine(summary)] : []),
    ],
    layout: {
      xaxis: { title: { text: "step" }, rangemode: "tozero" },
      yaxis: { title: { text: axis } },
    },
  }));
}

function trainingCurve(
  summary: Summary,
  method: Method,
  { measure, i }: { measure: string; i: number },
): ScatterTrace {
  const setting = settingsOf(summary, method)
    .find(({ value }) => value === method.shown)!;
  const points = setting.trajectory.flatMap(({ step, measures }) => {
    const interval = measures[measure];
    return interval ? [{ step, interval }] : [];
  });
  const style = seriesStyle(i);
  return {
    type: "scatter",
    mode: "lines+markers",
    name: nameOf(setting),
    x: points.map(({ step }) => step),
    y: points.map(({ interval }) => rounded(interval.mean)),
    ...style,
    error_y: errorBar(points.map(({ interval }) => interval), {
      color: style.line.color,
    }),
  };
}

function goldLine({ goldAccuracy, settings }: Summary): ScatterTrace {
  const steps = settings[0]!.trajectory.map(({ step }) => step);
  return {
    type: "scatter",
    mode: "lines",
    name: "gold reward",
    x: steps,
    y: steps.map(() => rounded(goldAccuracy.mean)),
    line: { color: INK, dash: "dot", width: 1.5 },
  };
}

function endTable(summary: Summary): Table {
  const cell = ({ mean, low, high }: Interval) =>
    low === null || high === null
      ? digits(mean)
      : `${digits(mean)} ± ${digits((high - low) / 2)}`;
  return {
    caption: "At the end of training",
    columns: [
      ...["method", "learning rate", "gold reward", "KL (nats)"],
      ...["below attainable", "accuracy", "length", "broken"],
    ],
    rows: summary.settings.map((setting) => {
      const end = endOf(setting);
      return [
        nameOf(setting),
        setting.learningRate.toExponential(),
        cell(end["goldReward"]!),
        cell(end["kl"]!),
        cell(setting.shortfall),
        cell(end["accuracy"]!),
        cell(end["length"]!),
        cell(end["broken"]!),
      ];
    }),
  };
}

function settingsOf(
  { settings }: Summary,
  { loss }: Method,
): readonly SettingSummary[] {
  return settings.filter((setting) => setting.loss === loss);
}

function endOf({ trajectory }: SettingSummary) {
  return trajectory.at(-1)!.measures;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  beta: "β",
  lambda: "λ",
  learningRate: "rate",
};

function nameOf({ loss, option, value }: SettingSummary): string {
  return option === null
    ? loss
    : `${loss} ${SYMBOLS[option] ?? option} ${value}`;
}

/** Paler than the points: intervals of several series overlap. */
function errorBar(
  intervals: readonly Interval[],
  { color, scale = (x) => x }: { color: string; scale?: (x: number) => number },
): ErrorBar {
  const length = (from: number, to: number | null) =>
    to === null ? 0 : rounded(Math.abs(scale(to) - scale(from)));
  return {
    type: "data",
    symmetric: false,
    array: intervals.map(({ mean, high }) => length(mean, high)),
    arrayminus: intervals.map(({ mean, low }) => length(mean, low)),
    color: `${color}66`,
    thickness: 1,
    width: 3,
  };
}

/** The root; intervals may reach below 0. */
function rootOf(kl: number): number {
  return Math.sqrt(Math.max(0, kl));
}

/** Five digits are more than a screen shows, and keep the file small. */
function rounded(x: number): number {
  return Number(x.toPrecision(5));
}

function digits(x: number): string {
  return x.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
