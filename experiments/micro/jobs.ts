import { type Example, hashExamples } from "lib/data/example.ts";
import { examplesPerPair } from "lib/data/examples_for_loss.ts";
import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import {
  type DataPoint,
  type GridPoint,
  lossOptionsAt,
  type Method,
} from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import {
  type ExpectedLoss,
  expectedLoss,
} from "lib/loss_tools/expected_loss.ts";
import { allComparisons, optimum } from "lib/loss_tools/optimum.ts";
import { findLoss } from "lib/losses/registry.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import type { DataSource } from "lib/record/record.ts";
import { Rng } from "lib/rng.ts";
import { measuredAt } from "lib/run/measures.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { Trainers } from "lib/run/trainers.ts";
import { entropy } from "lib/stats/distribution.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { referenceOf } from "lib/train/reference.ts";
import {
  ALL_ANSWERS,
  initialTensors,
  policyOf,
  scoreAll,
  type Start,
  trainReference,
} from "./model.ts";
import type { MicroSettings } from "./settings.ts";
import {
  attainable,
  attainableReward,
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

/** The data of a draw and a seed. */
interface PairData {
  readonly pairs: readonly Example[];
  /** log π_ref of every answer. */
  readonly reference: readonly number[];
  readonly places: readonly Place[];
}

type Jobs = ExperimentJobs<Start, PairData>;

/** A run trains a decoder and measures it exactly, beside the optimum of its loss. */
export function createJobs(
  { settings, device }: JobSetup<MicroSettings>,
): Promise<JobTable<Jobs>> {
  const benches = new Benches(device);
  return Promise.resolve({
    jobs: {
      start: (draw) => trainReference(settings, { draw, device }),
      exact: () => Promise.resolve(null),
      reference: async ({ draw, start }) =>
        describeReference(await benches.of(draw, start)),
      prepare: async ({ draw, start, seed }) => {
        const { reference } = await benches.of(draw, start);
        const rng = streamOf({ draw, seed }).split("pairs");
        const pairs = samplePairs(reference, { count: settings.pairs, rng });
        return { pairs, reference, places: placesOf(pairs) };
      },
      run: async ({ point, start, data }) =>
        await trainRun(await benches.of(point.draw, start), {
          ...{ settings, point, data, device },
        }),
    },
    release: () => benches.release(),
  });
}

function streamOf({ draw, seed }: Pick<DataPoint, "draw" | "seed">): Rng {
  return new Rng(seed).split(`micro/${draw}`);
}

/** Compiled graphs around one π_ref. */
interface Bench {
  readonly draw: number;
  readonly start: Start;
  readonly policy: ReturnType<typeof policyOf>;
  /** log π_ref of every answer. */
  readonly reference: readonly number[];
  readonly trainers: Trainers;
  score(parameters: Tensors): Promise<number[]>;
  release(): Promise<void>;
}

/** Keeps the graphs of the draw that was used last. */
class Benches {
  #bench: Bench | undefined;

  constructor(private readonly device: Device) {}

  async of(draw: number, start: Start): Promise<Bench> {
    if (this.#bench?.draw === draw) return this.#bench;
    await this.release();
    const policy = policyOf(start);
    const forward = new ForwardPass({
      ...{ policy: policy.policy, device: this.device },
    });
    const trainers = new Trainers();
    const score = (parameters: Tensors) => scoreAll(forward, parameters);
    this.#bench = {
      ...{ draw, start, policy, trainers, score },
      reference: await score(initialTensors(policy.policy)),
      release: async () => {
        await trainers.release();
        await forward.release();
      },
    };
    return this.#bench;
  }

  async release(): Promise<void> {
    const bench = this.#bench;
    this.#bench = undefined;
    await bench?.release();
  }
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
  readonly settings: MicroSettings;
  readonly point: GridPoint;
  readonly data: PairData;
  readonly device: Device;
}

async function trainRun(bench: Bench, task: RunTask): Promise<Outcome> {
  const { settings: { evaluation, optima }, point, data } = task;
  await using population = await populationLoss(point, data.reference);
  const measured = async (logProbs: readonly number[]) => ({
    ...measure(logProbs, data),
    populationLoss: await population.at(logProbs),
  });
  const finished = await run(runSettings(bench, task), {
    inputs: {
      policy: bench.policy,
      data: {
        ...{ kind: "pairs", examples: data.pairs },
        description: sourceOf(data.pairs, point),
      },
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
      optimum: optima ? await optimumOf(point, data, measured) : null,
    },
  };
}

function runSettings(
  { policy: { source } }: Bench,
  { settings: { training }, point, device }: RunTask,
): GivenSettings {
  const { data } = findLoss(point.loss);
  return {
    ...{ model: source, data: DATA, loss: point.loss },
    ...{ options: lossOptionsAt(point), tuning: { kind: "full" } },
    ...training,
    // Each method sees the same pairs equally often.
    batch: training.batch * examplesPerPair(data),
    ...{ learningRate: point.learningRate, seed: point.seed },
    ...{ device, threads: 1 },
  };
}

const DATA = "pairs of the reference model";

function sourceOf(
  examples: readonly Example[],
  { draw, seed }: Pick<GridPoint, "draw" | "seed">,
): DataSource {
  return {
    role: "train",
    source: `${DATA} of draw ${draw}, seed ${seed}`,
    sha256: hashExamples({ examples }),
    counts: {
      rows: examples.length,
      ...{ truncated: 0, dropped: 0, boundaryShifted: 0 },
    },
  };
}

/** The mean loss that a policy has on endless data of π_ref. */
async function populationLoss(method: Method, reference: readonly number[]) {
  const loss = findLoss(method.loss);
  const population = populationOf(reference);
  const comparisons = allComparisons(loss, population);
  const total = comparisons.reduce((sum, { weight }) => sum + weight, 0);
  const expected: ExpectedLoss = await expectedLoss(loss, {
    ...{ answers: population.answers, comparisons },
    lossOptions: lossOptionsAt(method),
  });
  return {
    at: async (logProbs: readonly number[]) =>
      (await expected.at(logProbs)).value / total,
    [Symbol.asyncDispose]: () => expected[Symbol.asyncDispose](),
  };
}

/** Losses with corners, on which a search by gradients ends anywhere. */
const CORNERED = ["dpop"];

/** The measures of the policy that a method's loss itself would choose. */
async function optimumOf(
  method: Method,
  { reference }: PairData,
  measured: (logProbs: readonly number[]) => Promise<Record<string, number>>,
) {
  if (CORNERED.includes(method.loss)) {
    return { kind: "none", why: "the loss has corners: it is not computed" };
  }
  const population = populationOf(reference);
  const found = await optimum(
    findLoss(method.loss),
    population,
    lossOptionsAt(method),
  );
  if (found.kind === "none") return { ...found };
  const measures = await measured(found.logProbs);
  return {
    ...{ kind: found.kind, ...measures },
    attainable: attainableReward(reference, measures["kl"]!),
  };
}
