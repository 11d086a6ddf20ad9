import type { Annotations } from "plotly.js";
import type { Finding } from "lib/experiment/claim.ts";
import { digits } from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { rounded, subscripted } from "lib/plot/page.ts";
import { markStyle, MUTED } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { CLAIMS } from "./claims.ts";
import { formOf, FORMS } from "./forms.ts";
import type { FormFlow, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function taughtFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  const run = new Set(summary.flows.map(({ loss }) => loss));
  const forms = FORMS.filter(({ taught, paper }) =>
    run.has(taught) && run.has(paper)
  );
  return {
    title: titleOf(findings),
    text: [
      "Two answers are compared; the first, y_w, wins four times of five. A third takes part only by its probability. Lines follow training by infinitely small steps, exactly, from a reference that likes y_w more and from one that likes y_l more: solid under the paper's form, dashed under the form that is taught.",
    ],
    panels: forms.map((form) => panelOf(summary, form)),
    pictured: forms.length,
    tables: [optimaTable(summary)],
  };
}

/** The finding, whatever the verdicts are. */
function titleOf(findings: readonly Finding[]): string {
  const shown = findings.filter(({ verdict }) => verdict === "shown");
  return shown.length === CLAIMS.length
    ? "As often taught, DPO learns the opposite or nothing, KTO forgets its reference, and ORPO does not stop"
    : `${shown.length} of ${findings.length} forms that are taught do something else than the paper's`;
}

function panelOf(
  { flows }: Summary,
  { title, taught, paper, algebra }: typeof FORMS[number],
): Panel {
  const own = flows.filter(({ loss }) => loss === taught || loss === paper);
  const lines = own.map(lineOf);
  const isNamed = (line: ScatterTrace, i: number) =>
    !lines.slice(0, i).some((other) => haveOneEnd(line, other));
  const labels = labelledLines(lines.filter(isNamed), {
    unnamed: lines.filter((line, i) => !isNamed(line, i)),
    lineHeight: 0.08,
  });
  const time = Math.max(...own.map(({ path }) => path.at(-1)!.time));
  return {
    title,
    note: algebra,
    height: 19,
    data: lines,
    layout: {
      ...labels,
      annotations: [
        ...labels.annotations,
        ...own.filter(({ loss }) => loss === paper).map(startLabel),
      ],
      xaxis: {
        title: { text: "training, in units of time" },
        // The names of the references stand before the start.
        range: [-0.4 * time, time],
        tickvals: [0, 1, 2, 3].map((third) => rounded(third * time / 3)),
      },
      yaxis: { title: { text: subscripted("log π(y_w)/π(y_l), nats") } },
    },
  };
}

/** Two lines of one name, which end so near each other that one name will do. */
function haveOneEnd(a: ScatterTrace, b: ScatterTrace): boolean {
  return a.name === b.name &&
    Math.abs(Number(a.y.at(-1)) - Number(b.y.at(-1))) < 0.1;
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

/** Says before a line begins which answer its reference likes more. */
function startLabel({ path }: FormFlow): Partial<Annotations> {
  const { time, logOdds } = path[0]!;
  const isChosen = logOdds > 0;
  return {
    ...{ x: time, y: rounded(logOdds), xanchor: "right", xshift: -4 },
    // Away from each other, where the axis is long.
    ...isChosen
      ? { yanchor: "bottom", yshift: -10 }
      : { yanchor: "top", yshift: 10 },
    text: subscripted(`π_ref<br>likes ${isChosen ? "y_w" : "y_l"}`),
    font: { color: MUTED, size: 12 },
    showarrow: false,
  };
}

function optimaTable({ optima }: Summary): Table {
  return tableOf(optima, {
    caption: "Optima in the world of reviews, with endless pairs",
    columns: {
      form: ({ loss }) => loss,
      "gold reward": ({ reward }) => reward === null ? null : digits(reward),
      "KL (nats)": ({ kl }) => kl === null ? null : digits(kl),
      "why there is none": ({ why }) => why,
    },
  });
}
