import type { Annotations } from "plotly.js";
import type { Panel, ScatterTrace } from "lib/plot/figure.ts";
import { seriesStyle } from "lib/plot/style.ts";
import {
  digits,
  endOf,
  errorBar,
  INK,
  nameOf,
  rounded,
  settingsOf,
  valueOf,
} from "./figure_parts.ts";
import type { Method } from "./settings.ts";
import type { Summary } from "./summary.ts";

/** Where each method ends, and the best there is. */
export function frontierPanel(summary: Summary): Panel {
  const { attainable, methods } = summary;
  const optima = methods.find(({ loss }) => loss === "dpo")?.values ?? [];
  const marked = attainable.filter(({ beta }) => optima.includes(beta));
  // Intervals may reach far beyond: a few endless samples make a mean.
  const kls = summary.settings.map((setting) => endOf(setting)["kl"]!.mean);
  return {
    title: "Gold reward against distance from the reference model",
    note:
      "KL is that of whole completions. Lines join the ends of training at the values of β or λ, of orpo-ratio the learning rate, beside them; thin lines lead there from the reference model (0, 0). Diamonds are the optima of DPO's objective at its β. Distances are on a root scale: 1, 2, 3 are 1, 4, 9 nats. Bars that leave the plot belong to settings at which a seed ran away.",
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
        title: { text: "√KL(π‖π_ref), √nats" },
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
): Partial<Annotations>[] {
  if (method.option === null) return [];
  return settingsOf(summary, method).map((setting) => {
    const { kl, goldReward } = endOf(setting);
    const color = seriesStyle(index).line.color;
    return {
      x: rounded(rootOf(kl!.mean)),
      y: rounded(goldReward!.mean),
      text: `<span style="color:${color}">${valueOf(setting)}</span>`,
      showarrow: false,
      xanchor: "left",
      yanchor: "top",
    };
  });
}

/** The root; intervals may reach below 0. */
function rootOf(kl: number): number {
  return Math.sqrt(Math.max(0, kl));
}
