import {
  type BatchOptions,
  type BatchResult,
  batchStatistics,
  runInMicroBatches,
} from "./micro_batches.ts";
import type { Example, TokenRow } from "../data/example.ts";
import type { BatchStatistics, Loss, LossState } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { Policy } from "../models/policy.ts";
import {
  buildObjective,
  forwardOutputs,
  type Objective,
  sumInput,
} from "./objective.ts";
import type { Device } from "../onnx/providers.ts";
import {
  compile,
  type Program,
  type Tensor,
  type Tensors,
} from "../onnx/session.ts";
import { adamW, type Optimizer } from "../optim.ts";
import {
  type Snapshot,
  tensorsOf,
  TrainedParameters,
  type UpdateOptions,
  type Values,
} from "./trained_parameters.ts";
import {
  type CompletionScore,
  computeReference,
  type Reference,
} from "./reference.ts";
import { headChunks, type ScoreOptions, Scorer } from "./scorer.ts";

/** Options of a {@linkcode Trainer}. */
export interface TrainerOptions {
  /** The policy to train. */
  policy: Policy;
  /** The loss to minimise. */
  loss: Loss;
  /** The loss's choices are compiled in; its numbers may change at each step. */
  lossOptions: LossOptionValues;
  /** The device that computes. @default "cpu" */
  device?: Device;
  /** Threads that share the work of one operator, on CPU. @default 1 */
  threads?: number;
  /**
   * Slots (rows × longest row) of a micro-batch: bounds memory and changes
   * nothing else. @default 1024
   */
  microTokens?: number;
  /** Refuses a training step that would leave the device. @default false */
  strict?: boolean;
  /** How parameters follow gradients. @default adamW() */
  optimizer?: Optimizer;
}

/** Options of {@linkcode Trainer.train}. */
export interface StepOptions extends BatchOptions, UpdateOptions {}

/** The result of {@linkcode Trainer.train}. */
export interface StepResult extends BatchResult {
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
}

/** Name under which snapshots have a reference that has moved. */
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
  /** The policy, forward only. */
  readonly scorer: Scorer;
  /** Losses and log-probabilities alone, compiled when first used. */
  #forward: Promise<Program> | undefined;
  /** The reference, where it moves with the policy. */
  readonly reference: MovingReference;
  #lossState: LossState;

  private constructor(
    readonly options: Required<TrainerOptions>,
    private readonly objective: Objective,
    /** Losses, log-probabilities and gradients of a micro-batch. */
    private readonly program: Program,
    private readonly trained: TrainedParameters,
  ) {
    this.scorer = new Scorer(options);
    this.reference = new MovingReference(
      options.policy,
      (rows, options) => this.#scoreForReference(rows, options),
    );
    this.#lossState = options.loss.statistics?.initialState ?? {};
  }

  /** Compiles the training step and starts at the policy's initial values. */
  static async create(
    {
      device = "cpu",
      threads = 1,
      microTokens = 1024,
      strict = false,
      optimizer = adamW(),
      ...rest
    }: TrainerOptions,
  ): Promise<Trainer> {
    const chosen = { device, threads, microTokens, strict, optimizer };
    const options = { ...chosen, ...rest };
    const { policy, loss, lossOptions } = options;
    const chunks = headChunks(policy.config, microTokens);
    const objective = buildObjective(policy, loss, { lossOptions, chunks });
    const { logProbGradients, gradients } = objective;
    const outputs = {
      ...forwardOutputs(objective),
      logProbGradients,
      ...gradients,
    };
    // In forward order, so that the last layer's gradients are computed first.
    const last = policy.trained.map(({ name }) => name);
    const program = await compile(outputs, { ...options, last });
    const trained = await TrainedParameters.create(policy.trained, options);
    await trained.restart(policy.initial);
    return new Trainer(options, objective, program, trained);
  }

  /** Steps taken. */
  get step(): number {
    return this.trained.step;
  }

  /** The trained parameters, to be fed to graphs of the policy. */
  get parameters(): Tensors {
    return this.trained.parameters;
  }

  /** Number of nodes of the compiled training step. */
  get nodes(): number {
    return this.program.nodes;
  }

  /** Begins anew at these values of the parameters. */
  restart(values: Values): Promise<void> {
    this.#lossState = this.options.loss.statistics?.initialState ?? {};
    this.reference.values = null;
    return this.trained.restart(values);
  }

  /** The state that training goes on from. */
  async save(): Promise<Snapshot> {
    const { step, tensors } = await this.trained.save();
    const { values } = this.reference;
    return {
      step,
      tensors: values ? new Map([...tensors, [REFERENCE, values]]) : tensors,
      carried: this.#lossState,
    };
  }

  /** Returns to a saved state. */
  restore(snapshot: Snapshot): Promise<void> {
    this.#lossState = snapshot.carried;
    this.reference.values = snapshot.tensors.get(REFERENCE) ?? null;
    return this.trained.restore(snapshot);
  }

  /** Moves the reference towards the policy; a mix of 1 is all the way. */
  async moveReference(mix: number): Promise<void> {
    this.reference.move(await this.trained.values(), mix);
  }

  /** The rows under the present parameters, as the loss's reference. */
  async scoreReference(
    rows: readonly TokenRow[],
    options: Omit<ScoreOptions, "parameters"> = {},
  ): Promise<readonly (readonly CompletionScore[])[]> {
    const { parameters } = this;
    return await this.#scoreForReference(rows, { parameters, ...options });
  }

  #scoreForReference(
    rows: readonly TokenRow[],
    options: ScoreOptions,
  ): Promise<readonly (readonly CompletionScore[])[]> {
    return this.objective.requirements.tokenReference
      ? this.scorer.scoreTokens(rows, options)
      : this.scorer.score(rows, options);
  }

  /** log π(y|x) of each completion of each row, under the present parameters. */
  async score(
    rows: readonly TokenRow[],
    options: Omit<ScoreOptions, "parameters"> = {},
  ): Promise<number[][]> {
    const { parameters } = this;
    return await this.scorer.score(rows, { parameters, ...options });
  }

  /** The loss and metrics of a batch, without a step. */
  async evaluate(
    examples: readonly Example[],
    options: BatchOptions,
  ): Promise<BatchResult> {
    const program = await (this.#forward ??= compile(
      forwardOutputs(this.objective),
      this.options,
    ));
    const { forEvaluation } = this.options.loss.statistics ?? {};
    const statistics = forEvaluation?.(this.#lossState) ??
      await this.#statistics(examples, options);
    return await this.#run(
      examples,
      { ...options, statistics },
      (feeds) => program.run({ ...feeds, ...this.parameters }),
    );
  }

  /**
   * One optimizer step on a batch of examples.
   *
   * @throws RangeError where the loss or the gradient is not finite.
   */
  async train(
    examples: readonly Example[],
    options: StepOptions,
  ): Promise<StepResult> {
    await this.trained.sums.write();
    const statistics = await this.#statistics(examples, options);
    const result = await this.#run(
      examples,
      { ...options, statistics },
      (feeds) => this.#accumulate(feeds),
    );
    const gradNorm = await this.trained.gradNorm();
    if (!Number.isFinite(result.loss) || !Number.isFinite(gradNorm)) {
      throw new RangeError(
        `Training diverged at step ${
          this.step + 1
        }: loss ${result.loss}, gradient norm ${gradNorm}; expected finite numbers, perhaps with a smaller learning rate`,
      );
    }
    await this.trained.take(gradNorm, options);
    this.#lossState = statistics.state ?? this.#lossState;
    return { ...result, gradNorm };
  }

  /** Frees what the trainer holds on the device. */
  async release(): Promise<void> {
    await this.program.release();
    await (await this.#forward)?.release();
    await this.scorer.release();
    await this.trained.release();
  }

  #statistics(examples: readonly Example[], options: BatchOptions) {
    const { loss } = this.options;
    return batchStatistics(
      examples,
      { ...options, loss, state: this.#lossState },
      (rows) => this.score(rows),
    );
  }

  #run(
    examples: readonly Example[],
    { lossOptions, reference, statistics }: BatchOptions & {
      statistics: BatchStatistics;
    },
    program: (feeds: Tensors) => Promise<Record<string, Tensor>>,
  ): Promise<BatchResult> {
    const { objective, options: { loss, microTokens } } = this;
    const run = { loss, objective, microTokens };
    return runInMicroBatches(
      examples,
      { ...run, lossOptions, reference, statistics },
      program,
    );
  }

  /** Adds a micro-batch's gradient to the sums, in place. */
  async #accumulate(feeds: Tensors): Promise<Record<string, Tensor>> {
    const { sums } = this.trained;
    const named = Object.entries(sums.tensors).map(([name, tensor]) =>
      [sumInput(name), tensor] as const
    );
    const output = await this.program.run(
      { ...feeds, ...this.parameters, ...Object.fromEntries(named) },
      sums.next,
    );
    sums.advance();
    return output;
  }
}

/** Scores rows under given parameters. */
type ScoreUnder = (
  rows: readonly TokenRow[],
  options: { parameters: Tensors },
) => Promise<readonly (readonly CompletionScore[])[]>;

/**
 * A reference that follows the policy (TR-DPO,
 * https://arxiv.org/abs/2404.09656). It begins as the policy does.
 */
export class MovingReference {
  /** Its parameters; `null` while they are the policy's initial ones. */
  values: Values | null = null;

  /** @internal */
  constructor(
    private readonly policy: Policy,
    private readonly scoreUnder: ScoreUnder,
  ) {}

  /**
   * Moves to mix · θ + (1 − mix) · θ_ref, parameter by parameter: eq. 1 of the
   * paper, and for a mix of 1 eq. 2.
   */
  move(theta: Values, mix: number): void {
    const before = this.values ?? this.policy.initial;
    this.values = new Map(
      [...theta].map(([name, now]) => {
        const old = before.get(name)!;
        return [name, now.map((x, i) => mix * x + (1 - mix) * old[i]!)];
      }),
    );
  }

  /** The reference as it is now, of these rows. */
  async score(rows: readonly TokenRow[]): Promise<Reference> {
    const values = this.values ?? this.policy.initial;
    const parameters = tensorsOf(this.policy.trained, values);
    return await computeReference(
      rows,
      (rows) => this.scoreUnder(rows, { parameters }),
    );
  }
}
