import type { Panel, ScatterTrace } from "lib/plot/figure.ts";
import { seriesStyle } from "lib/plot/style.ts";
import { errorBar, INK, nameOf, rounded, settingsOf } from "./figure_parts.ts";
import type { Method } from "./settings.ts";
import type { Summary } from "./summary.ts";

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

/** One setting of each method along training. */
export function curvePanels(summary: Summary): Panel[] {
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
