import type { Figure, Table } from "lib/plot/figure.ts";
import type { Interval } from "lib/stats/interval.ts";
import { curvePanels } from "./curve_panels.ts";
import { digits, endOf, nameOf } from "./figure_parts.ts";
import { frontierPanel } from "./frontier_panel.ts";
import type { Summary } from "./summary.ts";

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

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
