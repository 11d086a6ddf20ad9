import { BatchOutputs } from "./batch_outputs.ts";
import { type EvaluationOptions, Evaluator } from "./evaluation.ts";
import { batchTotals } from "./examples.ts";
import {
  type BatchOptions,
  type BatchResult,
  batchResult,
  batchStatistics,
  runInMicroBatches,
} from "./micro_batches.ts";
import type { Example, TokenRow } from "../data/example.ts";
import type { BatchStatistics, LossState } from "../losses/loss.ts";
import { GradientPass } from "./gradient_pass.ts";
import { isScaled, LossScale } from "./loss_scale.ts";
import type { Objective } from "./objective.ts";
import type { Tensors } from "../onnx/tensors.ts";
import {
  type Snapshot,
  TrainedParameters,
  type UpdateOptions,
  type Values,
} from "./trained_parameters.ts";
import {
  objectiveOf,
  type TrainerOptions,
  withDefaults,
} from "./trainer_options.ts";
import { MovingReference } from "./reference.ts";
import { type Stop, throwIfStopped } from "./stop.ts";
import {
  ForwardPass,
  type LogProbOptions,
  type LogProbOrTokens,
} from "./forward_pass.ts";

/** Options of {@linkcode Trainer.train}. */
export interface StepOptions extends BatchOptions, UpdateOptions {
  /** Ends the step between two micro-batches, with {@linkcode Stopped}. */
  stop?: Stop | undefined;
}

/** The result of {@linkcode Trainer.train}. */
export interface StepResult extends BatchResult {
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
}

/** The snapshots' name for a reference that has moved. */
const REFERENCE = "reference";

/**
 * A policy under training: its parameters and the optimizer's state on the
 * device, and the compiled graphs that move them. It knows no loss by name.
 *
 * @example Two steps of SimPO on one pair
 * ```ts
 * import { findLoss, resolveOptions } from "@prefgrad/prefgrad/losses";
 * import { fullPolicy, parameterNames } from "@prefgrad/prefgrad/models";
 * import { Trainer } from "@prefgrad/prefgrad/train";
 * import { ok } from "node:assert/strict";
 *
 * const config = {
 *   ...{ vocabSize: 8, hiddenSize: 8, intermediateSize: 16, layers: 1 },
 *   ...{ heads: 2, kvHeads: 1, headDim: 4, normEpsilon: 1e-5 },
 *   ...{ rope: { theta: 10_000, scaling: null }, maxPositions: 16 },
 *   ...{ tiedHead: true, bosId: null, eosIds: [2] },
 * };
 * const initial = new Map(parameterNames(config).map(({ name, shape }) => {
 *   const length = shape.reduce((a, b) => a * b);
 *   return [name, Float32Array.from({ length }, (_, i) => Math.cos(i))];
 * }));
 *
 * const loss = findLoss("simpo");
 * const lossOptions = resolveOptions(loss);
 * const policy = fullPolicy(config, initial);
 * const trainer = await Trainer.create({ policy, loss, lossOptions });
 * const pair = { prompt: [3], completions: [[4, 2], [5, 2]] };
 * const step = { lossOptions, reference: null, learningRate: 1e-2 };
 * const first = await trainer.train([pair], step);
 * const second = await trainer.train([pair], step);
 * ok(second.loss < first.loss);
 * await trainer.release();
 * ```
 */
export class Trainer {
  /** The policy's forward pass, without a loss. */
  readonly forward: ForwardPass;
  readonly #evaluator: Evaluator;
  /** The reference, where it moves with the policy. */
  readonly reference: MovingReference;
  #lossState: LossState;
  readonly #lossScale: LossScale | null;

  private constructor(
    readonly options: Required<TrainerOptions>,
    private readonly objective: Objective,
    private readonly gradients: GradientPass,
    private readonly trained: TrainedParameters,
  ) {
    this.forward = new ForwardPass(options);
    this.#evaluator = new Evaluator(objective, options);
    this.reference = new MovingReference(
      options.policy,
      (parameters) => (rows) =>
        this.#referenceLogProbs(rows, { parameters, group: options.group }),
    );
    this.#lossState = options.loss.statistics?.initialState ?? {};
    this.#lossScale = isScaled(options.precision) ? new LossScale() : null;
  }

  /** Compiles the training step, and starts at the policy's initial values. */
  static async create(given: TrainerOptions): Promise<Trainer> {
    const options = withDefaults(given);
    const { policy } = options;
    const objective = objectiveOf(options);
    const gradients = await GradientPass.compile(objective, options);
    const trained = await TrainedParameters.create(policy.trained, {
      ...options,
      precision: "float32",
    });
    await trained.restart(policy.initial);
    return new Trainer(options, objective, gradients, trained);
  }

  /** The number of steps taken. */
  get step(): number {
    return this.trained.step;
  }

  /** The trained parameters, to be fed to graphs of the policy. */
  get parameters(): Tensors {
    return this.trained.parameters;
  }

  /** Number of nodes of the compiled training step. */
  get nodes(): number {
    return this.gradients.nodes;
  }

  /** Starts again at these values of the parameters. */
  restart(values: Values): Promise<void> {
    this.#lossState = this.options.loss.statistics?.initialState ?? {};
    if (this.#lossScale) this.#lossScale.state = new LossScale().state;
    this.reference.values = null;
    return this.trained.restart(values);
  }

  /** A copy of the state that training goes on from. */
  async save(): Promise<Snapshot> {
    return this.#snapshot(await this.trained.save());
  }

  /** The same state without a copy on CPU: to be used before the next step. */
  async view(): Promise<Snapshot> {
    return this.#snapshot(await this.trained.view());
  }

  #snapshot({ step, tensors }: Pick<Snapshot, "step" | "tensors">): Snapshot {
    const { values } = this.reference;
    return {
      step,
      tensors: values ? new Map([...tensors, [REFERENCE, values]]) : tensors,
      carried: this.#lossState,
      ...this.#lossScale && { lossScale: this.#lossScale.state },
    };
  }

  /** Returns to a saved state. */
  restore(snapshot: Snapshot): Promise<void> {
    this.#lossState = snapshot.carried;
    const { lossScale } = snapshot;
    if (this.#lossScale && lossScale) this.#lossScale.state = lossScale;
    this.reference.values = snapshot.tensors.get(REFERENCE) ?? null;
    return this.trained.restore(snapshot);
  }

  /** Moves the reference towards the policy; a mix of 1 is all the way. */
  async moveReference(mix: number): Promise<void> {
    this.reference.move(await this.trained.values(), mix);
  }

  /** The present policy's log-probabilities of rows, as a reference of the loss. */
  async referenceLogProbs(
    rows: readonly TokenRow[],
    options: Omit<LogProbOptions, "parameters"> = {},
  ): Promise<readonly (readonly LogProbOrTokens[])[]> {
    const { parameters, options: { group } } = this;
    return await this.#referenceLogProbs(rows, {
      parameters,
      group,
      ...options,
    });
  }

  #referenceLogProbs(
    rows: readonly TokenRow[],
    options: LogProbOptions,
  ): Promise<readonly (readonly LogProbOrTokens[])[]> {
    return this.objective.requirements.tokenReference
      ? this.forward.tokenLogProbs(rows, options)
      : this.forward.logProbs(rows, options);
  }

  /** log π(y|x) of each completion of each row under the present parameters. */
  async logProbs(
    rows: readonly TokenRow[],
    options: Omit<LogProbOptions, "parameters"> = {},
  ): Promise<number[][]> {
    const { parameters, options: { group } } = this;
    return await this.forward.logProbs(rows, { parameters, group, ...options });
  }

  /** Computes the loss and metrics of a set of examples without a step. */
  evaluate(
    examples: readonly Example[],
    options: EvaluationOptions,
  ): Promise<BatchResult> {
    const { forEvaluation } = this.options.loss.statistics ?? {};
    const statistics = forEvaluation?.(this.#lossState);
    return this.#evaluator.evaluate(examples, {
      ...options,
      parameters: this.parameters,
      statisticsOf: async (batch) =>
        statistics ?? await this.#statistics(batch, options),
    });
  }

  /**
   * Takes one optimizer step on a batch of examples. A gradient that leaves the
   * range of float16 is computed again on half the scale, and again.
   *
   * @throws RangeError where the loss or the gradient is not finite.
   */
  async train(
    examples: readonly Example[],
    options: StepOptions,
  ): Promise<StepResult> {
    const { statistics, result } = await this.#finite(examples, options);
    const { lossScale } = this.#scaling;
    await this.trained.take(result.gradNorm, { ...options, lossScale });
    this.#lossScale?.count();
    this.#lossState = statistics.state ?? this.#lossState;
    return result;
  }

  /**
   * The gradient of a batch's loss by each parameter, before clipping, without a
   * step.
   *
   * @throws RangeError where it is not finite.
   */
  async gradient(
    examples: readonly Example[],
    options: BatchOptions,
  ): Promise<Values> {
    await this.#finite(examples, options);
    const values = await this.trained.sums.read();
    const { lossScale } = this.#scaling;
    return new Map(
      values.entries().map(([name, sums]) =>
        [name, lossScale === 1 ? sums : sums.map((x) => x / lossScale)] as const
      ),
    );
  }

  /** Computes a batch, and leaves its finite gradient in the sums. */
  async #finite(
    examples: readonly Example[],
    options: BatchOptions & Pick<StepOptions, "stop">,
  ): Promise<{ statistics: BatchStatistics; result: StepResult }> {
    const statistics = await this.#statistics(examples, options);
    let result = await this.#withGradient(examples, options, statistics);
    while (
      Number.isFinite(result.loss) && !Number.isFinite(result.gradNorm) &&
      this.#lossScale?.halve()
    ) result = await this.#withGradient(examples, options, statistics);
    this.#requireFinite(result);
    return { statistics, result };
  }

  /** Computes a batch, and leaves its gradient in the sums. */
  async #withGradient(
    examples: readonly Example[],
    options: BatchOptions & Pick<StepOptions, "stop">,
    { values, metrics }: BatchStatistics,
  ): Promise<StepResult> {
    await this.trained.sums.write();
    const outputs = new BatchOutputs();
    const batch = { ...options, ...this.#setup };
    const { lossScale } = this.#scaling;
    const totals = batchTotals(examples);
    const draw = this.step;
    await runInMicroBatches(
      examples,
      { ...batch, outputs, totals, draw, lossScale, statistics: values },
      async (feeds) => {
        await throwIfStopped(options.stop);
        return await this.gradients.add(feeds, this.trained);
      },
    );
    await this.trained.addUp(this.options.group);
    const statistics = { ...metrics, ...this.#lossScale && { lossScale } };
    return {
      ...batchResult(examples, outputs, { ...batch, statistics }),
      gradNorm: await this.trained.gradNorm() / lossScale,
    };
  }

  #requireFinite({ loss, gradNorm }: StepResult): void {
    if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
    const { precision } = this.options;
    throw new RangeError(
      `Training diverged at step ${
        this.step + 1
      }: loss ${loss}, gradient norm ${gradNorm}; expected finite numbers, perhaps with a smaller learning rate${
        precision === "float16"
          ? ", or with bfloat16, whose range is wider"
          : ""
      }`,
    );
  }

  /** Frees the compiled training step, which the next step compiles again. */
  pauseSteps(): Promise<void> {
    return this.gradients.release();
  }

  /** Frees what the trainer holds on the device. */
  async release(): Promise<void> {
    await this.gradients.release();
    await this.#evaluator.release();
    await this.forward.release();
    await this.trained.release();
  }

  get #setup() {
    const { objective, options: { group, loss, microTokens } } = this;
    return { group, objective, loss, microTokens };
  }

  get #scaling(): { lossScale: number } {
    return { lossScale: this.#lossScale?.state.scale ?? 1 };
  }

  #statistics(examples: readonly Example[], options: BatchOptions) {
    return batchStatistics(
      examples,
      { ...options, ...this.#setup, state: this.#lossState },
      (rows) => this.forward.logProbs(rows, { parameters: this.parameters }),
    );
  }
}
