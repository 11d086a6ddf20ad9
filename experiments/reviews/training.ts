import { type Example, hashExamples, type TokenRow } from "lib/data/example.ts";
import { examplesPerPair } from "lib/data/examples_for_loss.ts";
import {
  type GridPoint,
  lossOptionsAt,
  type Method,
} from "lib/experiment/grid.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import type { DataSource } from "lib/record/record.ts";
import { Rng } from "lib/rng.ts";
import type { InputsInMemory, PolicyInMemory } from "lib/run/inputs.ts";
import { measuredAt } from "lib/run/measures.ts";
import { prepareRun } from "lib/run/plan.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { Trainers } from "lib/run/trainers.ts";
import { rowsToReference } from "lib/train/loop.ts";
import { distinctRows, referenceOf } from "lib/train/reference.ts";
import type { Evaluation, HeldOut } from "./evaluation.ts";
import { policyOf, type ReferenceModel } from "./reference_model.ts";
import type { TiltedPoint } from "./reward_model.ts";
import type { ReviewsSettings } from "./settings.ts";
import { encode, EOS, goldReward } from "./world.ts";

/** Seeds of a run: of its π_ref, and of the rest. */
export interface RunSeeds {
  readonly draw: number;
  readonly seed: number;
}

/** The random numbers of a run: two that differ in either seed share none. */
export function streamOf({ draw, seed }: RunSeeds): Rng {
  return new Rng(seed).split(`draw/${draw}`);
}

/** Rows and their log-probabilities, in nats. */
export interface Scored {
  readonly rows: readonly TokenRow[];
  readonly logProbs: readonly (readonly number[])[];
}

/** The parts of a point that training reads. */
type TrainedPoint = Method & Pick<GridPoint, "seed" | "level">;

/** Training steps of a level, in those of the settings. */
function lengthOf({ level: { passes = 1, pairs = 1 } }: TrainedPoint): number {
  return passes * pairs;
}

function referenceFor({ loss }: Method, { reference }: SeedData) {
  const { rows, logProbs } = reference.get(loss)!;
  return referenceOf(rows, logProbs);
}

/** The data that all runs of a draw and a seed share. */
export interface SeedData extends RunSeeds {
  readonly pairs: readonly Example[];
  readonly heldOut: HeldOut;
  /** The rows of each loss whose log π_ref it reads, and its values in nats. */
  readonly reference: ReadonlyMap<string, Scored>;
  /** The best policies that a reward model of the pairs can tell. */
  readonly rewardModel: readonly TiltedPoint[];
  /** Measures of π_ref itself, where every run starts. */
  readonly start: Evaluation;
}

export interface TrainingOptions {
  readonly settings: ReviewsSettings;
  /** π_ref, where every run starts. */
  readonly model: ReferenceModel;
  readonly device: Device;
}

/** Measures a policy after a step. */
export type Evaluate = (
  parameters: Tensors,
  step: number,
) => Promise<Evaluation>;

/** Trains π_ref by different methods. */
export class Training {
  readonly #trainers = new Trainers();
  readonly #policy: PolicyInMemory;

  constructor(private readonly options: TrainingOptions) {
    this.#policy = policyOf(options.model);
  }

  async run(
    point: TrainedPoint,
    data: SeedData,
    evaluate: Evaluate,
  ): Promise<Outcome> {
    const { evaluation: { steps } } = this.options.settings;
    const finished = await run(this.#settings(point), {
      inputs: {
        ...this.#inputs(data),
        reference: referenceFor(point, data),
      },
      measuring: measuredAt(steps.map((step) => step * lengthOf(point)), {
        // No pair is told apart where the policy is π_ref.
        start: { ...data.start, accuracy: null },
        measure: async (...state) => ({ ...await evaluate(...state) }),
      }),
      trainers: this.#trainers,
    });
    const { record, rows: lines } = finished!;
    const { step: _step, ...summary } = record.summary;
    const { heldOut } = data;
    const { objective, seeds, model, timings, peakMemoryBytes } = record;
    return {
      ...{ rows: lines, objective, seeds, model, timings, peakMemoryBytes },
      data: [...record.data, sourceOf("eval", heldOut.pairs, data)],
      summary: {
        ...summary,
        goldAccuracy: goldAccuracy(heldOut),
        rewardModel: data.rewardModel.map((tilted) => ({ ...tilted })),
      },
    };
  }

  /** Rows whose log π_ref a method reads at a level, whatever its options and rate. */
  async referenceRows(
    { loss, options }: Method,
    { level, ...data }:
      & Pick<SeedData, "draw" | "seed" | "pairs">
      & Pick<GridPoint, "level">,
  ): Promise<TokenRow[]> {
    const { seed } = data;
    const point = { loss, options, learningRate: 1, seed, level };
    const settings = this.#settings(point);
    const { plan, inputs } = await prepareRun(settings, this.#inputs(data));
    return distinctRows(rowsToReference(plan, inputs.loss));
  }

  release(): Promise<void> {
    return this.#trainers.release();
  }

  #settings(point: TrainedPoint): GivenSettings {
    const { device, settings: { training } } = this.options;
    const { data } = findLoss(point.loss);
    return {
      model: this.#policy.source,
      data: "pairs of the reference model",
      loss: point.loss,
      options: lossOptionsAt(point),
      tuning: { kind: "full" },
      ...training,
      steps: training.steps * lengthOf(point),
      // Each method sees the same pairs equally often.
      batch: training.batch * examplesPerPair(data),
      learningRate: point.learningRate,
      seed: point.seed,
      ...{ device, threads: 1, microTokens: 2048 },
    };
  }

  #inputs(
    { pairs, ...seeds }: Pick<SeedData, "draw" | "seed" | "pairs">,
  ): InputsInMemory {
    const orders = streamOf(seeds).split("order");
    return {
      policy: this.#policy,
      data: {
        kind: "pairs",
        examples: pairs,
        description: sourceOf("train", pairs, seeds),
      },
      shuffle: (epoch, order) => orders.split(`${epoch}`).shuffle(order),
    };
  }
}

function sourceOf(
  role: string,
  rows: readonly TokenRow[],
  { draw, seed }: RunSeeds,
): DataSource {
  const [end] = encode(EOS);
  const isCut = ({ completions }: TokenRow) =>
    completions.some((ids) => ids.at(-1) !== end);
  return {
    role,
    source:
      `pairs sampled from the reference model of draw ${draw}, seed ${seed}`,
    sha256: hashExamples({ examples: rows }),
    counts: {
      rows: rows.length,
      truncated: rows.filter(isCut).length,
      dropped: 0,
      boundaryShifted: 0,
    },
  };
}

/** Share of pairs that the gold reward itself tells apart as the labels do. */
function goldAccuracy({ pairs }: HeldOut): number {
  const right = pairs.filter(({ completions: [chosen, rejected] }) =>
    goldReward(chosen!) > goldReward(rejected!)
  );
  return right.length / pairs.length;
}
