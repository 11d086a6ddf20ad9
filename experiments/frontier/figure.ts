import {
  endsOf,
  endTable,
  methodStyle,
  nameOf,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import type { Figure, ScatterTrace } from "lib/plot/figure.ts";
import type { SettingSummary } from "lib/experiment/summary.ts";
import type { Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function frontierFigure(summary: Summary): Figure {
  const { attainable: [first], settings } = summary;
  return {
    title: "How near preference optimization comes to the best there is",
    text: [runsText(summary)],
    panels: [{
      title: "Gold reward against distance from the reference model",
      wide: true,
      data: [
        {
          type: "scatter",
          mode: "lines",
          name: "attainable",
          x: first!.map(({ kl }) => rounded(Math.sqrt(kl))),
          y: first!.map(({ reward }) => rounded(reward)),
        },
        ...settings.map(dots),
      ],
      layout: { xaxis: { title: { text: "√KL" } }, yaxis: {} },
    }],
    tables: [
      endTable(settings, {
        goldReward: "gold reward",
        kl: "KL (nats)",
        accuracy: "accuracy",
        length: "length",
        broken: "broken",
      }),
    ],
  };
}

function dots(setting: SettingSummary): ScatterTrace {
  return {
    type: "scatter",
    mode: "markers",
    name: nameOf(setting),
    x: endsOf(setting, "kl").map((kl) => rounded(Math.sqrt(kl))),
    y: endsOf(setting, "goldReward").map(rounded),
    ...methodStyle(setting.loss),
  };
}
