import {
  counted,
  curvePanel,
  digits,
  endsOf,
  endTable,
  runsText,
} from "lib/experiment/figure_parts.ts";
import {
  findSetting,
  type GridSummary,
  type SettingSummary,
} from "lib/experiment/summary.ts";
import type { Figure } from "lib/plot/figure.ts";
import { quantile } from "lib/stats/interval.ts";
import { EXTENDED, PLAIN } from "./settings.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function squeezeFigure(summary: GridSummary): Figure {
  const { settings, draws } = summary;
  const panel = (level: typeof PLAIN, measure: string, title: string) =>
    curvePanel(settings.filter(isAt(level)).map(byLoss), {
      ...{ measure, title, axis: "change of log π, nats" },
      note: "Medians over draws.",
    });
  return {
    title: titleOf(summary),
    text: [
      "A decoder answers with at most three of six words, and all its strings are scored. Pairs are of strings that it hardly gives; the likeliest string that no pair has is followed beside them.",
      draws.length === 1
        ? runsText(summary)
        : `Lines join medians over ${
          counted(draws.length, "draw")
        } of the reference model.`,
    ],
    pictured: 2,
    panels: [
      panel(PLAIN, "topGain", "The likeliest string beside the pairs"),
      panel(EXTENDED, "topGain", "The same after SFT on both answers"),
      panel(PLAIN, "chosenGain", "Chosen answers"),
      panel(PLAIN, "rejectedGain", "Rejected answers"),
    ],
    tables: [
      endTable(settings, {
        topGain: "Δ likeliest",
        chosenGain: "Δ chosen",
        rejectedGain: "Δ rejected",
        top: "π(likeliest)",
        kl: "KL (nats)",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf({ settings }: GridSummary): string {
  const dpo = findSetting(settings, "dpo", PLAIN);
  if (!dpo) return "Where the probability of unlikely pairs goes";
  const [top, chosen] = ["topGain", "chosenGain"].map((measure) =>
    digits(quantile(endsOf(dpo, measure), 0.5))
  );
  return `On unlikely pairs, DPO changes log π of the likeliest answer by ${top} nats, of chosen ones by ${chosen}`;
}

const isAt = (level: typeof PLAIN) => (setting: SettingSummary) =>
  setting.level["extended"] === level.extended;

/** A setting that a figure names by its loss alone. */
const byLoss = (setting: SettingSummary): SettingSummary => ({
  ...setting,
  ...{ options: {}, level: {} },
});
