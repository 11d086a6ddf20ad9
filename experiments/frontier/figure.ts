import {
  type Curve,
  curvePanel,
  digits,
  endOf,
  endTable,
  errorBar,
  methodStyle,
  nameOf,
  rounded,
  seedsText,
  valueOf,
} from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace } from "lib/plot/figure.ts";
import type { Annotations } from "plotly.js";
import type { FrontierMethod } from "../reviews/settings.ts";
import type { FrontierSetting, Summary } from "./summary.ts";

/** The colour of facts about the world, as opposed to measurements. */
const INK = "#000000";

const CURVES: readonly Curve[] = [
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

/** The figure of a summary. Equal summaries give equal figures. */
export function frontierFigure(summary: Summary): Figure {
  const { nll, entropy, wellFormed } = summary.reference;
  const seeds = summary.settings[0]!.seeds.length;
  return {
    title: "How near preference optimization comes to the best there is",
    text: [
      "A small decoder learns to write product reviews. Pairs of its own completions are compared by a known gold reward through Bradley–Terry, and every method trains on the same pairs. Because the world is known, so is the best reward that any policy can have at each distance from the reference model.",
      `${seedsText(seeds)} The reference model's loss is ${
        digits(nll)
      } nats a review (no model can be below ${digits(entropy)}); ${
        percent(wellFormed)
      } of its samples are well-formed.`,
    ],
    panels: [frontierPanel(summary), ...curvePanels(summary)],
    tables: [
      endTable(summary.settings, {
        "gold reward": (setting) => endOf(setting)["goldReward"]!,
        "KL (nats)": (setting) => endOf(setting)["kl"]!,
        "below attainable": ({ shortfall }) => shortfall,
        accuracy: (setting) => endOf(setting)["accuracy"]!,
        length: (setting) => endOf(setting)["length"]!,
        broken: (setting) => endOf(setting)["broken"]!,
      }),
    ],
  };
}

/** One setting of each method along training. */
function curvePanels(summary: Summary): Panel[] {
  const shown = summary.methods.map((method) =>
    settingsOf(summary, method).find(({ value }) => value === method.shown)!
  );
  return CURVES.map((curve) => {
    const panel = curvePanel(shown, curve);
    if (curve.measure !== "accuracy") return panel;
    return { ...panel, data: [...panel.data, goldLine(summary)] };
  });
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

/** The end of each method, and the attainable frontier. */
function frontierPanel(summary: Summary): Panel {
  const { attainable, methods } = summary;
  const seeds = summary.settings[0]!.seeds.length;
  const optima = methods.find(({ loss }) => loss === "dpo")?.values ?? [];
  const marked = attainable.filter(({ beta }) => optima.includes(beta));
  // Intervals may reach far beyond: a few endless samples make a mean.
  const kls = summary.settings.map((setting) => endOf(setting)["kl"]!.mean);
  return {
    title: "Gold reward against distance from the reference model",
    note:
      "KL is that of whole completions. Lines join the ends of training at the values of β or λ, of orpo-ratio the learning rate, beside them; thin lines lead there from the reference model (0, 0). Diamonds are the optima of DPO's objective at its β. Distances are on a root scale: 1, 2, 3 are 1, 4, 9 nats." +
      (seeds === 1
        ? ""
        : " Bars that leave the plot belong to settings at which a seed ran away."),
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
      ...methods.flatMap((method) => methodTraces(summary, method)),
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
      annotations: methods.flatMap((method) => labels(summary, method))
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

/** A method's path to each of its ends, and the ends themselves. */
function methodTraces(
  summary: Summary,
  method: FrontierMethod,
): ScatterTrace[] {
  const settings = settingsOf(summary, method);
  const { line, marker } = methodStyle(method.loss);
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
  method: FrontierMethod,
): Partial<Annotations>[] {
  if (method.option === null) return [];
  return settingsOf(summary, method).map((setting) => {
    const { kl, goldReward } = endOf(setting);
    const color = methodStyle(method.loss).line.color;
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

/** A method at each of its values. */
function settingsOf(
  { settings }: Summary,
  { loss }: FrontierMethod,
): readonly FrontierSetting[] {
  return settings.filter((setting) => setting.loss === loss);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
