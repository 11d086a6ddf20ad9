import type { Figure } from "../plot/figure.ts";
import { writeFigure } from "../plot/figure_page.ts";
import { join } from "node:path";
import { trainingFigure } from "../plot/training_figure.ts";
import type { TrainingSheet } from "../plot/training_sheet.ts";
import type { Json } from "../record/canonical_json.ts";
import { type MetricsRow, readMetrics } from "../record/metrics.ts";
import { readRecord, type RunRecord } from "../record/record.ts";
import { diagnosticsOf } from "./measures.ts";

/**
 * Writes `figure.json` and `figure.html` of a training run from its record and
 * metrics alone.
 *
 * @throws Error for a folder that has no record of a training run.
 */
export async function rebuildTrainingFigure(folder: string): Promise<void> {
  await writeFigure(folder, await readTrainingFigure(folder));
}

/**
 * The figure of a training run, from its record and metrics alone.
 *
 * @throws Error for a folder that has no record of a training run.
 */
export async function readTrainingFigure(folder: string): Promise<Figure> {
  const path = join(folder, "run.json");
  const record = await readRecord(path);
  if (record.kind !== "train") {
    throw new Error(
      `Cannot draw ${path}: its kind is "${record.kind}", expected "train"`,
    );
  }
  const rows = readMetrics(join(folder, "metrics.jsonl"));
  return trainingFigure(sheetOf(record, rows));
}

function sheetOf(
  record: RunRecord,
  rows: readonly MetricsRow[],
): TrainingSheet {
  const { model, data, objective, seeds, settings } = record;
  const options = Object.entries(settings["options"] ?? {});
  return {
    model: withoutHash(model.source),
    data: withoutHash(data.find(({ role }) => role === "train")!.source),
    loss: objective!.loss,
    seed: seeds["run"]!,
    objective: objectiveText(objective!, options),
    course: courseText(record, rows),
    statistics: objective!.kl,
    rewardScale: settings["referenceEvery"]
      ? null
      : rewardScaleOf(objective!, options),
    probe: diagnosticsOf(record),
    rows,
  };
}

/** Older records have no scale of their own: it was β, where there is one. */
function rewardScaleOf(
  objective: NonNullable<RunRecord["objective"]>,
  options: readonly [string, Json][],
): number {
  const beta = options.find(([name]) => name === "beta")?.[1] ?? 1;
  return objective.rewardScale ?? Number(beta);
}

function objectiveText(
  { formula, reduction }: NonNullable<RunRecord["objective"]>,
  options: readonly [string, Json][],
): string {
  const given = options.flatMap(([name, value]) =>
    value === false
      ? []
      : value === true
      ? words(name)
      : `${words(name)} ${value}`
  );
  return [
    `Minimised: ${formula.replaceAll('"', "")}`,
    reduction,
    ...given,
  ].join("; ") + ".";
}

function courseText(
  { settings, model: { parameters: { trainable, total } } }: RunRecord,
  rows: readonly MetricsRow[],
): string {
  const count = (n: number) => n.toLocaleString("en-US");
  return `${count(rows.length)} steps of ${
    settings["batch"]
  } examples at a learning rate of ${settings["learningRate"]} (${
    settings["schedule"]
  }); ${count(trainable)} of ${count(total)} parameters trained.`;
}

/** `labelSmoothing` as `label smoothing`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A Hub id with as much of its commit as tells it from others. */
function withoutHash(source: string): string {
  return source.replace(/@([0-9a-f]{7})[0-9a-f]{33}(?=:|$)/, "@$1");
}
