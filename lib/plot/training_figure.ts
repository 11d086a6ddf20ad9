import type { Figure, Table } from "./figure.ts";
import { trainingPanels } from "./training_panels.ts";
import type { ProbeSheet, TrainingSheet } from "./training_sheet.ts";

/** The figure of a training run. Equal sheets give equal figures. */
export function trainingFigure(sheet: TrainingSheet): Figure {
  const { model, data, loss, seed, course, probe } = sheet;
  return {
    title: `${loss}: ${model} on ${data}, seed ${seed}`,
    text: [course, ...probe ? probeText(probe) : []],
    panels: trainingPanels(sheet),
    tables: probe ? [probeTable(probe)] : [],
  };
}

function probeText(probe: ProbeSheet): string[] {
  const { chosenChange, marginChange, displaced, lengthCorrelation } = probe;
  return [
    `Plain lines: the batch of each step. Lines with points: ${
      probeWords(probe)
    }, compared with the start.`,
    ...displaced
      ? [
        `Likelihood displacement: the margin grew by ${
          digits(marginChange!)
        } nats, but chosen completions lost ${digits(-chosenChange!)}.`,
      ]
      : [],
    ...lengthCorrelation === null ? [] : [
      `Length bias: over pairs, the gain of the margin and the chosen less the rejected length have a correlation of ${
        digits(lengthCorrelation)
      }.`,
    ],
  ];
}

function probeTable(probe: ProbeSheet): Table {
  const { chosenChange, rejectedChange, marginChange, lengths } = probe;
  const { chosen, rejected } = lengths;
  const longer = chosen === null || rejected === null
    ? null
    : chosen - rejected;
  return {
    caption: `From start to end: means over ${probeWords(probe)}`,
    columns: ["", "chosen", "rejected", "difference"],
    rows: [
      ["change, nats", chosenChange, rejectedChange, marginChange],
      ["tokens", chosen, rejected, longer],
    ],
  };
}

function probeWords({ on, examples }: ProbeSheet): string {
  return on === "evaluation"
    ? `${examples} evaluation examples`
    : `the first ${examples} examples of training`;
}

function digits(x: number): string {
  return `${Number(x.toPrecision(3))}`.replace("-", "−");
}
