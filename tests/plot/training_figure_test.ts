import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ScatterTrace } from "lib/plot/figure.ts";
import { trainingFigure } from "lib/plot/training_figure.ts";
import type { TrainingSheet } from "lib/plot/training_sheet.ts";
import { seriesStyle } from "lib/plot/style.ts";

const SHEET: TrainingSheet = {
  model: "a model",
  data: "pairs.jsonl",
  loss: "dpo",
  seed: 3,
  objective: "Minimised: −log σ(βΔ_w).",
  course: "2 steps.",
  statistics: null,
  rewardScale: 0.5,
  probe: {
    on: "evaluation",
    examples: 9,
    chosenChange: -1.5,
    rejectedChange: -4,
    marginChange: 2.5,
    klStart: 2.75,
    displaced: true,
    lengths: { chosen: 12, rejected: 8.5 },
    lengthCorrelation: -0.25,
  },
  rows: [
    {
      ...{ step: 1, loss: 0.7, gradNorm: 3 },
      ...{ "rewards/chosen": 1, "rewards/rejected": -2, "rewards/margins": 3 },
      ...{ "logps/chosen": -50, "logps/rejected": -60 },
    },
    {
      ...{ step: 2, loss: 0.5, gradNorm: 2, "eval/loss": 0.6 },
      ...{ "rewards/chosen": 2, "rewards/rejected": -3, "rewards/margins": 5 },
      ...{ "change/chosen": -1.5, "change/rejected": -4, "change/margin": 2.5 },
      "kl/start": 2.75,
    },
  ],
};

function panel(title: string, sheet = SHEET): ScatterTrace[] {
  const found = trainingFigure(sheet).panels.find((each) =>
    each.title === title
  );
  return (found?.data ?? []).filter((trace) => trace.type === "scatter");
}

Deno.test("a figure names model and data, and says that the chosen fell", () => {
  const { title, text, panels, tables } = trainingFigure(SHEET);
  strictEqual(title, "dpo: a model on pairs.jsonl, seed 3");
  strictEqual(panels[0]?.note, SHEET.objective);
  match(text.join(" "), /displacement: .* 2\.5 nats, .* lost 1\.5\./);
  match(text.join(" "), /9 evaluation examples.*correlation of −0\.25/);
  deepStrictEqual(tables[0]?.rows, [
    ["change, nats", -1.5, -4, 2.5],
    ["tokens", 12, 8.5, 3.5],
  ]);
  const calm = { ...SHEET, probe: { ...SHEET.probe!, displaced: false } };
  ok(!trainingFigure(calm).text.join(" ").includes("displacement"));
});

Deno.test("a figure has the panels that have data", () => {
  const titles = trainingFigure(SHEET).panels.map(({ title }) => title);
  deepStrictEqual(titles, [
    "Loss",
    "Gradient norm",
    "Log-probabilities since the start",
    "Margin since the start",
    "KL divergence, estimated",
  ]);
  const rows = [
    {
      step: 1,
      loss: 4,
      "logps/chosen": -5,
      kl: 0,
      nll: 3,
      "weights/chosen": 1,
    },
  ];
  const { panels, tables } = trainingFigure({ ...SHEET, probe: null, rows });
  deepStrictEqual(panels.map(({ title }) => title), [
    "Loss",
    "Log-probabilities of each batch",
    "Gradient weight",
    "KL divergence, estimated",
    "Parts of the loss",
  ]);
  deepStrictEqual(tables, []);
});

Deno.test("rewards are drawn as nats since the start, which points have too", () => {
  const [batch, probe, ...rejected] = panel(
    "Log-probabilities since the start",
  );
  deepStrictEqual([batch?.x, batch?.y], [[1, 2], [2, 4]]);
  deepStrictEqual([probe?.x, probe?.y], [[0, 2], [0, -1.5]]);
  deepStrictEqual(rejected.map(({ y }) => y), [[-4, -6], [0, -4]]);
  deepStrictEqual(panel("Margin since the start")[0]?.y, [6, 10]);
});

Deno.test("a reference that moved is not the start", () => {
  const traces = panel("Log-probabilities since the start", {
    ...SHEET,
    rewardScale: null,
  });
  deepStrictEqual(traces.map(({ y }) => y), [[0, -1.5], [0, -4]]);
});

Deno.test("chosen and rejected have the same colours everywhere", () => {
  const colours = { chosen: new Set(), rejected: new Set() };
  const rows = SHEET.rows.map((row) => ({
    ...row,
    ...{ "weights/chosen": 1, "weights/rejected": 2 },
    ...{ "lengths/chosen": 5, "lengths/rejected": 6 },
  }));
  for (const { data } of trainingFigure({ ...SHEET, rows }).panels) {
    for (const trace of data) {
      const [, what] = trace.name!.match(/^(chosen|rejected)/) ?? [];
      if (trace.type !== "scatter" || !what) continue;
      colours[what as keyof typeof colours].add(trace.line?.color);
    }
  }
  deepStrictEqual([...colours.chosen], [seriesStyle(0).line.color]);
  deepStrictEqual([...colours.rejected], [seriesStyle(1).line.color]);
});
