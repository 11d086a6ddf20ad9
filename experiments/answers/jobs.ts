import type { Example } from "lib/data/example.ts";
import { examplesPerPair } from "lib/data/examples_for_loss.ts";
import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import {
  type DataPoint,
  type GridPoint,
  lossOptionsAt,
} from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import type { Population } from "lib/loss_tools/optimum.ts";
import { findLoss } from "lib/losses/registry.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import type { Device } from "lib/onnx/providers.ts";
import { Rng } from "lib/rng.ts";
import { measuredAt } from "lib/run/measures.ts";
import type { DataInMemory } from "lib/run/inputs.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { entropy } from "lib/stats/distribution.ts";
import { referenceOf } from "lib/train/reference.ts";
import { type Bench, Benches } from "./bench.ts";
import { sourceOf, type Start } from "./decoder.ts";
import { ALL_ANSWERS, policyOf, scoreAll, trainReference } from "./model.ts";
import { optimumOf, populationLoss } from "./objective.ts";
import type { AnswersSettings } from "./settings.ts";
import {
  attainable,
  measure,
  type Place,
  placesOf,
  populationOf,
  samplePairs,
  wellFormedShare,
} from "./world.ts";

export const { url } = import.meta;

/** β of the attainable frontier, from near π_ref to the best answer alone. */
const BETAS = Array.from({ length: 36 }, (_, i) => 30 * 0.8 ** i);

/** Rows to train on. */
export interface Rows {
  /** Their source, in words. @default pairs of the reference model */
  readonly source?: string;
  /** Pairs of answers, from which each loss takes what it reads. */
  readonly pairs: readonly Example[];
  /** Labelled answers for losses of those, in place of the pairs. */
  readonly labelled?: readonly Example[];
  /** Lists, best first, for losses of those, in place of the pairs. */
  readonly ranked?: readonly Example[];
}

/** The data of a draw, a seed and a level. */
export interface RunData extends Rows {
  /** log π_ref of every answer. */
  readonly reference: readonly number[];
  readonly places: readonly Place[];
  /** The model that runs start from. */
  readonly start: Start;
}

/** All that rows are made from. */
export interface RowsTask {
  readonly point: DataPoint;
  /** log π_ref of every answer. */
  readonly reference: readonly number[];
  readonly settings: AnswersSettings;
  /** The same for all levels of a draw and a seed. */
  readonly rng: Rng;
}

/** All that a level's model is made from. */
export interface StartTask {
  readonly point: DataPoint;
  /** The model of the draw. */
  readonly start: Start;
  /** The pairs of the level. */
  readonly pairs: readonly Example[];
  readonly settings: AnswersSettings;
  readonly device: Device;
}

/** How an experiment differs from pairs of π_ref's answers by the gold reward. */
export interface Treatment {
  /** The settings of the runs of a level. @default those of all */
  settingsAt?(
    settings: AnswersSettings,
    level: DataPoint["level"],
  ): AnswersSettings;
  /**
   * The model that runs of a level start from, on rows of the draw's own.
   *
   * @default that of the draw
   */
  startAt?(task: StartTask): Promise<Start>;
  /** Draws the rows of a draw, a seed and a level. */
  rows?(task: RowsTask): Rows;
  /** The answers and preferences of endless data, which optima follow from. */
  population?(
    reference: readonly number[],
    level: DataPoint["level"],
  ): Population;
  /** Measures beside those of {@linkcode measure}. */
  measure?(
    logProbs: readonly number[],
    data: RunData,
    point: DataPoint,
  ): Readonly<Record<string, number>>;
}

type Jobs = ExperimentJobs<Start, RunData>;

/** The jobs of experiments on pairs of π_ref's answers by the gold reward. */
export function createJobs(
  setup: JobSetup<AnswersSettings>,
): Promise<JobTable<Jobs>> {
  return Promise.resolve(answerJobs(setup, {}));
}

/**
 * The jobs of experiments in the world of short answers: a run trains a decoder
 * and measures it exactly, beside the optimum of its loss.
 */
export function answerJobs(
  { settings, device }: JobSetup<AnswersSettings>,
  treatment: Treatment,
): JobTable<Jobs> {
  const { rows = pairsOfReference } = treatment;
  const benches = new Benches(device, { policyOf, scoreAll });
  return {
    jobs: {
      start: (draw) => trainReference(settings, { draw, device }),
      exact: () => Promise.resolve(null),
      reference: async ({ draw, start }) =>
        describeReference(await benches.of(draw, start)),
      prepare: async ({ start: drawn, ...point }) => {
        const { reference: own } = await benches.of(point.draw, drawn);
        const rng = streamOf(point).split("pairs");
        const made = rows({ point, reference: own, settings, rng });
        const task = {
          point,
          start: drawn,
          pairs: made.pairs,
          settings,
          device,
        };
        const start = await treatment.startAt?.(task) ?? drawn;
        const { reference } = await benches.of(point.draw, start);
        return { ...made, start, reference, places: placesOf(made.pairs) };
      },
      run: async ({ point, data }) =>
        await trainRun(await benches.of(point.draw, data.start), {
          ...{ point, data, device, treatment },
          settings: treatment.settingsAt?.(settings, point.level) ?? settings,
        }),
    },
    release: () => benches.release(),
  };
}

function pairsOfReference(
  { reference, settings: { pairs: count }, rng }: RowsTask,
): Rows {
  return { pairs: samplePairs(reference, { count, rng }) };
}

function streamOf({ draw, seed }: Pick<DataPoint, "draw" | "seed">): Rng {
  return new Rng(seed).split(`micro/${draw}`);
}

/** The record of π_ref: how it stands to the grammar, and its frontier. */
function describeReference(
  { start: { config, weights: _, ...trained }, policy, reference }: Bench,
): Outcome {
  const { source, tokenizer, weights } = policy;
  const total = countParameters(parameterNames(config));
  return {
    ...trained,
    model: {
      ...{ source, tokenizer, weights: null, adapter: null },
      parameters: { total, trainable: total },
    },
    summary: {
      weights,
      wellFormed: wellFormedShare(reference),
      entropy: entropy(reference),
      attainable: BETAS.map((beta) => ({ ...attainable(reference, beta) })),
    },
  };
}

interface RunTask {
  readonly settings: AnswersSettings;
  readonly point: GridPoint;
  readonly data: RunData;
  readonly device: Device;
  readonly treatment: Treatment;
}

async function trainRun(bench: Bench, task: RunTask): Promise<Outcome> {
  const { settings: { evaluation, optima }, point, data, treatment } = task;
  const answers = treatment.population?.(data.reference, point.level) ??
    populationOf(data.reference);
  await using endless = optima ? await populationLoss(point, answers) : null;
  const measured = async (logProbs: readonly number[]) => ({
    ...measure(logProbs, data),
    ...treatment.measure?.(logProbs, data, point),
    ...endless && { populationLoss: await endless.at(logProbs) },
  });
  const finished = await run(runSettings(bench, task), {
    inputs: {
      policy: bench.policy,
      data: dataFor(point, data),
      reference: referenceOf([ALL_ANSWERS], [data.reference]),
      shuffle: (epoch, order) =>
        streamOf(point).split(`order/${epoch}`).shuffle(order),
    },
    measuring: measuredAt(evaluation, {
      start: await measured(data.reference),
      measure: async (parameters) => measured(await bench.score(parameters)),
    }),
    trainers: bench.trainers,
  });
  const { record, rows } = finished!;
  const { objective, seeds, model, timings, peakMemoryBytes } = record;
  const { step: _, ...summary } = record.summary;
  return {
    ...{ rows, objective, seeds, model, timings, peakMemoryBytes },
    data: record.data,
    summary: {
      ...summary,
      optimum: optima
        ? await optimumOf(point, {
          answers,
          reference: data.reference,
          measured,
        })
        : null,
    },
  };
}

function runSettings(
  { policy: { source } }: Bench,
  { settings: { training }, point, data: rows, device }: RunTask,
): GivenSettings {
  const { data } = findLoss(point.loss);
  return {
    ...{ model: source, data: rows.source ?? DATA, loss: point.loss },
    ...{ options: lossOptionsAt(point), tuning: { kind: "full" } },
    ...{ threads: 1, ...training },
    // Each method sees the same pairs equally often.
    batch: training.batch * examplesPerPair(data),
    ...{ learningRate: point.learningRate, seed: point.seed },
    device,
  };
}

/** The rows that a loss trains on. */
function dataFor(
  point: GridPoint,
  { pairs, source = DATA, ...others }: Rows,
): DataInMemory {
  const { data } = findLoss(point.loss);
  const [kind, examples] = data === "labels" && others.labelled
    ? ["labels", others.labelled] as const
    : data === "ranks" && others.ranked
    ? ["ranks", others.ranked] as const
    : ["pairs", pairs] as const;
  const { draw, seed } = point;
  const called = `${source} of draw ${draw}, seed ${seed}`;
  return { kind, examples, description: sourceOf(examples, called) };
}

const DATA = "pairs of the reference model";
