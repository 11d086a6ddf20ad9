import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import { onAnyRank } from "../distributed/group.ts";
import type { Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { lossBatches } from "./evaluation.ts";
import { exampleWeights, rowOf } from "./examples.ts";
import { lossRequirements } from "./requirements.ts";
import { rounding } from "./metrics.ts";
import { type Schedule, scheduled } from "./schedule.ts";
import type { Reference } from "./reference.ts";
import { nullIfStopped, type Stop } from "./stop.ts";
import type { StepResult, Trainer } from "./trainer.ts";

/** Everything that decides a run except the policy. */
export interface TrainingPlan {
  /** Examples to train on. */
  readonly examples: readonly Example[];
  /** The examples of each step, by number. */
  readonly batches: readonly (readonly number[])[];
  /** Examples that are only evaluated. */
  readonly evalExamples: readonly Example[];
  /** Steps between evaluations; the last step has one anyway. 0 for it alone. */
  readonly evalEvery: number;
  /** Examples of an evaluated batch. */
  readonly evalBatch: number;
  /** Values of the loss's options. */
  readonly lossOptions: LossOptionValues;
  /** Highest learning rate. */
  readonly learningRate: number;
  /** The course of the learning rate. */
  readonly schedule: Schedule;
  /** Steps of warm-up. */
  readonly warmup: number;
  /** Decoupled weight decay. */
  readonly weightDecay: number;
  /** Norm that the gradient is clipped to; 0 for no clipping. */
  readonly maxGradNorm: number;
  /** Moves the reference to the policy (TR-DPO). @default never */
  readonly referenceUpdate?: {
    /** After so many steps each time. */
    readonly every: number;
    /** Share of the policy in the new reference. */
    readonly mix: number;
  };
}

/** One line of metrics. */
export interface StepMetrics {
  /** Steps taken. */
  readonly step: number;
  /** Means over the batch. */
  readonly [metric: string]: number;
}

/** Options and progress of {@linkcode train}. */
export interface TrainingHooks {
  /** The reference of all that {@linkcode rowsToReference} lists; null if none. */
  reference: Reference | null;
  /** Called after each step; an error in it ends the run. */
  onStep?: (metrics: StepMetrics) => void | Promise<void>;
  /** Called after the last step, before its evaluation. */
  onLastStep?: () => Promise<void>;
  /** More metrics of the steps that have an evaluation. */
  measure?: () => Promise<Record<string, number>>;
  /** Read between micro-batches; a step that was begun leaves no trace. */
  stop?: Stop | undefined;
}

/**
 * Takes the steps of a plan that the trainer has not taken yet. It knows no
 * loss: each loss declares how it differs from others.
 *
 * @returns whether the plan is finished; false if a stop was requested.
 * @throws RangeError if training diverges, or where the policy does not start
 * at its reference.
 */
export async function train(
  trainer: Trainer,
  plan: TrainingPlan,
  { reference, onStep, onLastStep, measure, stop }: TrainingHooks,
): Promise<boolean> {
  const references = new References(trainer, plan, reference);
  while (trainer.step < plan.batches.length) {
    const reference = await references.at(trainer.step + 1);
    const metrics = await takeStep(trainer, plan, { reference, stop })
      .catch(nullIfStopped);
    if (!metrics) break;
    const { step } = trainer;
    if (step === plan.batches.length) await onLastStep?.();
    await onStep?.({
      ...metrics,
      ...isEvaluated(step, plan) && {
        ...await evaluation(trainer, plan, reference),
        ...await measure?.(),
      },
    });
    const { group } = trainer.options;
    if (await onAnyRank(group, stop?.requested === true)) break;
  }
  return trainer.step >= plan.batches.length;
}

async function takeStep(
  trainer: Trainer,
  plan: TrainingPlan,
  { reference, stop }: Pick<TrainingHooks, "reference" | "stop">,
): Promise<StepMetrics> {
  const step = trainer.step + 1;
  const { lossOptions, weightDecay, maxGradNorm, referenceUpdate } = plan;
  const examples = plan.batches[step - 1]!.map((i) => plan.examples[i]!);
  const learningRate = rateAt(plan, step);
  const options = { lossOptions, reference, weightDecay, maxGradNorm, stop };
  const started = performance.now();
  const result = await trainer.train(examples, { ...options, learningRate });
  const seconds = (performance.now() - started) / 1000;
  if (step === 1 && reference) {
    assertAtReference(examples, result, { trainer, reference });
  }
  if (referenceUpdate && step % referenceUpdate.every === 0) {
    await trainer.moveReference(referenceUpdate.mix);
  }
  return {
    step,
    epoch: epochAt(plan, step),
    loss: result.loss,
    gradNorm: result.gradNorm,
    learningRate,
    examples: result.examples,
    tokens: result.tokens,
    seconds,
    ...result.metrics,
  };
}

/** The reference at each step, which may move with the policy. */
class References {
  /** The number of moves before `#current` was computed. */
  #moves = 0;
  #current: Reference | null;

  constructor(
    private readonly trainer: Trainer,
    private readonly plan: TrainingPlan,
    initial: Reference | null,
  ) {
    this.#current = initial;
  }

  async at(step: number): Promise<Reference | null> {
    const { every = Infinity } = this.plan.referenceUpdate ?? {};
    const moves = Math.floor((step - 1) / every);
    if (moves > this.#moves && this.#current) {
      const { loss } = this.trainer.options;
      const rows = rowsToReference(this.plan, loss, { moves });
      this.#current = await this.trainer.reference.of(rows);
      this.#moves = moves;
    }
    return this.#current;
  }
}

/**
 * Lists the rows whose log-probabilities under the reference a run reads until
 * the reference moves again: each example, and the mismatched pairs from which
 * some losses estimate a statistic.
 */
export function rowsToReference(
  plan: TrainingPlan,
  loss: Loss,
  { moves = 0 }: { moves?: number } = {},
): TokenRow[] {
  const { examples, evalExamples, lossOptions, referenceUpdate } = plan;
  if (!lossRequirements(loss, lossOptions).reference) return [];
  const { every = plan.batches.length } = referenceUpdate ?? {};
  const steps = plan.batches.slice(moves * every, (moves + 1) * every);
  const used = [...new Set(steps.flat())].map((i) => examples[i]!);
  const rows = [...used, ...evalExamples].map((e) => rowOf(e, loss));
  const { statistics } = loss;
  if (!statistics?.rows) return rows;
  const batches = [
    ...steps.map((batch) => batch.map((i) => examples[i]!)),
    ...lossBatches(evalExamples, plan.evalBatch, loss),
  ];
  return [
    ...rows,
    ...batches.flatMap((batch) => statistics.rows!(batch, lossOptions)),
  ];
}

/**
 * Checks that each batch and the evaluation have an example with a weight, so
 * that no run ends half-way for want of one.
 *
 * @throws RangeError that names the first step without one.
 */
export function assertWeighted(
  { examples, batches, evalExamples }: TrainingPlan,
): void {
  const step = batches.findIndex((batch) =>
    batch.every((i) => examples[i]!.weight === 0)
  );
  if (step >= 0) {
    throw new RangeError(
      `Cannot take step ${step + 1}: its batch has ${
        batches[step]!.length
      } examples, all of weight 0; expected one above 0, as larger batches may have`,
    );
  }
  if (evalExamples.length > 0) exampleWeights(evalExamples);
}

function rateAt(
  { learningRate, schedule, warmup, batches }: TrainingPlan,
  step: number,
): number {
  const steps = batches.length;
  return learningRate * scheduled(schedule, step, { steps, warmup });
}

function epochAt({ batches, examples }: TrainingPlan, step: number): number {
  const taken = batches.slice(0, step).reduce((n, b) => n + b.length, 0);
  return taken / examples.length;
}

/** Whether the policy is evaluated after a step. */
function isEvaluated(
  step: number,
  { evalEvery, batches }: TrainingPlan,
): boolean {
  // The remainder of a division by 0 is NaN.
  return step % evalEvery === 0 || step === batches.length;
}

/** Metrics of an evaluation under `eval/…`. */
async function evaluation(
  trainer: Trainer,
  { evalExamples, evalBatch, lossOptions }: TrainingPlan,
  reference: Reference | null,
): Promise<Record<string, number>> {
  if (evalExamples.length === 0) return {};
  const { loss, metrics } = await trainer.evaluate(evalExamples, {
    lossOptions,
    reference,
    batch: evalBatch,
  });
  return Object.fromEntries(
    Object.entries({ loss, ...metrics }).map((
      [name, value],
    ) => [`eval/${name}`, value]),
  );
}

/**
 * Checks that the policy was its reference before the first step. If it was
 * not, the reference has other weights, another adapter or other data.
 */
function assertAtReference(
  examples: readonly Example[],
  { logProbs }: Pick<StepResult, "logProbs">,
  { trainer, reference }: { trainer: Trainer; reference: Reference },
): void {
  const { loss, precision } = trainer.options;
  for (const [i, example] of examples.entries()) {
    const row = rowOf(example, loss);
    const expected = reference.logProbs(row);
    lossLengths(row).forEach((length, k) => {
      const found = logProbs[i]![k]!;
      if (Math.abs(found - expected[k]!) <= rounding(length, precision)) return;
      throw new RangeError(
        `The policy does not start at its reference: completion ${k} of example ${i} of the first batch has log-probability ${found}, under the reference ${
          expected[k]
        }`,
      );
    });
  }
}
