import type { Finding } from "lib/experiment/claim.ts";
import { figureFindings } from "lib/experiment/findings.ts";
import type { Figure, Panel, Table } from "lib/plot/figure.ts";
import { COLORS } from "lib/plot/style.ts";
import { ternaryPanel } from "lib/plot/ternary.ts";
import { type Flow, gain, type Shares, type Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function simplexFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  const losses = [...new Set(summary.flows.map(({ loss }) => loss))];
  return {
    title: titleOf(summary),
    text: [
      "A model gives three answers. One is chosen, one is rejected, and training by infinitely small steps follows each loss exactly, from 30, 30 and 40 %. Gray: the answers are unrelated, each moves alone. Red: chosen and rejected share a feature, and the other lies opposite, so that whatever pushes the rejected one down takes the chosen one along.",
      "A line begins at the hollow mark and ends at the filled one. Training aims at the left corner.",
    ],
    findings: figureFindings(findings),
    panels: losses.map((loss) => panelOf(summary, loss)),
    tables: [endTable(summary)],
  };
}

/** The finding, whatever the numbers are. */
function titleOf(summary: Summary): string {
  const losses = [...new Set(summary.flows.map(({ loss }) => loss))];
  const falling = losses.filter((loss) => gain(summary, loss, true) < -0.01);
  return `Where answers are alike and a third is opposite, ${falling.length} of ${losses.length} losses lower the chosen one`;
}

function panelOf({ flows }: Summary, loss: string): Panel {
  const own = flows.filter((flow) => flow.loss === loss);
  return ternaryPanel({
    title: own[0]!.name,
    corners: ["chosen", "rejected", "other"],
    paths: own.map(({ isAlike, path }) => ({
      name: isAlike ? "alike" : "unrelated",
      color: isAlike ? COLORS.vermilion : COLORS.gray,
      points: path,
    })),
  });
}

function endTable({ flows }: Summary): Table {
  const named = (isAlike: boolean) =>
    flows.filter((f) => f.isAlike === isAlike);
  return {
    caption: "At the end of the flow: chosen / rejected / other",
    columns: ["loss", "unrelated", "alike"],
    rows: named(false).map((flow) => [
      flow.name,
      endText(flow),
      endText(named(true).find(({ loss }) => loss === flow.loss)!),
    ]),
  };
}

function endText({ path }: Flow): string {
  const end: Shares = path.at(-1)!;
  return end.map((share) => share.toFixed(3)).join(" / ");
}
