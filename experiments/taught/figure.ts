import type { Finding } from "lib/experiment/claim.ts";
import { digits } from "lib/experiment/figure_parts.ts";
import { figureFindings } from "lib/experiment/findings.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { rounded } from "lib/plot/page.ts";
import { markStyle } from "lib/plot/style.ts";
import { formOf, FORMS } from "./forms.ts";
import type { FormFlow, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function taughtFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  const shown = findings.filter(({ verdict }) => verdict === "shown");
  return {
    title:
      `${shown.length} of ${findings.length} forms that are taught do something else than the paper's`,
    text: [
      "Two answers are compared; the first wins four times of five. A third takes part only by its probability. Lines follow training by infinitely small steps, exactly, once from a reference that likes the first answer less, once from one that likes it more.",
    ],
    findings: figureFindings(findings),
    panels: FORMS.map((form) => panelOf(summary, form)),
    tables: [optimaTable(summary)],
  };
}

function panelOf(
  { flows }: Summary,
  { taught, paper, algebra }: typeof FORMS[number],
): Panel {
  const lines = flows.filter(({ loss }) => loss === taught || loss === paper)
    .map(lineOf);
  return {
    title: `${taught} beside ${paper}`,
    note: algebra,
    data: lines,
    layout: {
      ...labelledLines(lines),
      xaxis: { title: { text: "training, in units of time" } },
      yaxis: { title: { text: "log π(y_w)/π(y_l), nats" } },
    },
  };
}

function lineOf({ loss, path }: FormFlow): ScatterTrace {
  return {
    type: "scatter",
    mode: "lines",
    name: loss,
    x: path.map(({ time }) => rounded(time)),
    y: path.map(({ logOdds }) => rounded(logOdds)),
    line: markStyle(formOf(loss).mark).line,
  };
}

function optimaTable({ optima }: Summary): Table {
  return {
    caption: "Optima in the world of reviews, with endless pairs",
    columns: ["form", "gold reward", "KL (nats)", "why there is none"],
    rows: optima.map(({ loss, reward, kl, why }) => [
      loss,
      reward === null ? null : digits(reward),
      kl === null ? null : digits(kl),
      why,
    ]),
  };
}
