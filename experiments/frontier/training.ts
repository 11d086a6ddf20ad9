import { examplesFor } from "lib/data/examples_for_loss.ts";
import { type Example, hashExamples, type TokenRow } from "lib/data/example.ts";
import { planBatches } from "lib/data/sampler.ts";
import { type GridPoint, lossOptionsAt } from "lib/experiment/grid.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { describeLoss, lossReads } from "lib/losses/requirements.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import { peakMemory } from "lib/record/environment.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import { Clock, type DataSource, type RunRecord } from "lib/record/record.ts";
import { Rng } from "lib/rng.ts";
import { rowsToReference, train, type TrainingPlan } from "lib/train/loop.ts";
import { mean } from "lib/train/metrics.ts";
import { distinctRows, referenceOf } from "lib/train/reference.ts";
import { Trainer } from "lib/train/trainer.ts";
import type { Evaluation, HeldOut } from "./evaluation.ts";
import { modelSource, type ReferenceModel } from "./reference_model.ts";
import type { FrontierSettings } from "./settings.ts";
import { encode, EOS, goldReward } from "./world.ts";

/** What all runs of a seed share. */
export interface SeedData {
  readonly seed: number;
  readonly pairs: readonly Example[];
  readonly heldOut: HeldOut;
  /** Rows whose log π_ref some loss reads, and these, in nats. */
  readonly reference: {
    readonly rows: readonly TokenRow[];
    readonly logProbs: readonly (readonly number[])[];
  };
  /** π_ref itself, where every run starts. */
  readonly start: Evaluation;
}

export interface TrainingOptions {
  readonly settings: FrontierSettings;
  /** π_ref, where every run starts. */
  readonly model: ReferenceModel;
  readonly device: Device;
}

/** Measures a policy after a step. */
export type Evaluate = (
  parameters: Tensors,
  step: number,
) => Promise<Evaluation>;

/**
 * Trains π_ref by different methods. Each loss is compiled once: β, λ and rates
 * are inputs of its graphs.
 */
export class Training {
  readonly #trainers = new Map<string, Promise<Trainer>>();

  constructor(private readonly options: TrainingOptions) {}

  async run(
    point: GridPoint,
    data: SeedData,
    evaluate: Evaluate,
  ): Promise<Outcome> {
    const clock = new Clock();
    const { settings, model } = this.options;
    const trainer = await this.#trainer(point);
    await trainer.restart(model.weights);
    const rows: MetricsRow[] = [startOf(data)];
    const since: { loss: number; gradNorm: number }[] = [];
    let seconds = 0;
    await train(trainer, planRun(settings, data, point), {
      reference: lossReads(trainer.options.loss, lossOptionsAt(point)).reference
        ? referenceOf(data.reference.rows, data.reference.logProbs)
        : null,
      onStep: async ({ step, loss, gradNorm }) => {
        since.push({ loss: loss!, gradNorm: gradNorm! });
        if (!settings.evaluation.steps.includes(step)) return;
        const start = performance.now();
        const measured = await evaluate(trainer.parameters, step);
        seconds += (performance.now() - start) / 1000;
        const steps = since.splice(0);
        rows.push({
          step,
          loss: mean(steps.map(({ loss }) => loss)),
          gradNorm: mean(steps.map(({ gradNorm }) => gradNorm)),
          ...measured,
        });
      },
    });
    const timings = { ...clock.timings(), phases: { evaluate: seconds } };
    const peakMemoryBytes = peakMemory();
    const finished = { point, data, model, rows, timings, peakMemoryBytes };
    return runOutcome(finished);
  }

  async release(): Promise<void> {
    for (const trainer of this.#trainers.values()) {
      await (await trainer).release();
    }
  }

  #trainer(point: GridPoint): Promise<Trainer> {
    const { model: { config, weights }, device } = this.options;
    const trainer = this.#trainers.get(point.loss) ?? Trainer.create({
      policy: fullPolicy(config, weights),
      loss: findLoss(point.loss),
      settings: lossOptionsAt(point),
      device,
      microTokens: 2048,
    });
    this.#trainers.set(point.loss, trainer);
    return trainer;
  }
}

/** Rows whose log π_ref some method reads: none depends on β, λ or the rate. */
export function referenceRows(
  settings: FrontierSettings,
  data: Pick<SeedData, "seed" | "pairs">,
): TokenRow[] {
  const points = settings.methods.map(({ loss }): GridPoint => ({
    ...{ loss, option: null, value: 0, learningRate: 0 },
    seed: data.seed,
  }));
  return distinctRows(
    points.flatMap((point) =>
      rowsToReference(planRun(settings, data, point), findLoss(point.loss))
    ),
  );
}

export interface FinishedRun
  extends Pick<Outcome, "rows" | "timings" | "peakMemoryBytes"> {
  readonly point: GridPoint;
  readonly data: SeedData;
  readonly model: ReferenceModel;
}

/** What the record of a run says. */
export function runOutcome(
  { point, data, model, ...measured }: FinishedRun,
): Outcome {
  const { seed, pairs, heldOut } = data;
  const { step: _step, ...last } = measured.rows.at(-1)!;
  return {
    ...measured,
    objective: objectiveOf(point.loss),
    seeds: { run: seed },
    data: [
      sourceOf("train", pairs, seed),
      sourceOf("eval", heldOut.pairs, seed),
    ],
    model: modelSource(model),
    summary: { ...last, goldAccuracy: goldAccuracy(heldOut) },
  };
}

/** How a record describes what a loss minimises. */
export function objectiveOf(id: string): RunRecord["objective"] {
  const loss = findLoss(id);
  const options = resolveOptions(loss);
  const reference = lossReads(loss, options).reference
    ? "the reference model"
    : null;
  return describeLoss(loss, options, { reference });
}

/** The steps of a run. Each method sees the same pairs equally often. */
function planRun(
  { training }: FrontierSettings,
  { seed, pairs }: Pick<SeedData, "seed" | "pairs">,
  point: GridPoint,
): TrainingPlan {
  const { steps, batch, schedule, warmup, maxGradNorm } = training;
  const loss = findLoss(point.loss);
  const examples = examplesFor({ kind: "pairs", examples: pairs }, loss.data);
  const rng = new Rng(seed).split("order");
  return {
    examples,
    batches: planBatches(examples.length, {
      size: batch * examples.length / pairs.length,
      order: "shuffled",
      epochs: 1,
      steps,
      shuffle: (epoch, order) => rng.split(`${epoch}`).shuffle(order),
    }),
    ...{ evalExamples: [], evalEvery: 0, evalBatch: 1 },
    settings: lossOptionsAt(point),
    learningRate: point.learningRate,
    weightDecay: 0,
    ...{ schedule, warmup, maxGradNorm },
  };
}

/** Where the policy is π_ref: no pair is told apart yet. */
function startOf({ start }: SeedData): MetricsRow {
  return { step: 0, loss: null, gradNorm: null, ...start, accuracy: null };
}

function sourceOf(
  role: string,
  rows: readonly TokenRow[],
  seed: number,
): DataSource {
  const [end] = encode(EOS);
  const isCut = ({ completions }: TokenRow) =>
    completions.some((ids) => ids.at(-1) !== end);
  return {
    role,
    source: `pairs sampled from the reference model, seed ${seed}`,
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
