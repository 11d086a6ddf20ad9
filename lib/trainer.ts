import type { Example } from "./data/example.ts";
import { microBatches } from "./data/sampler.ts";
import { type Row, treeBatch } from "./data/tree_batch.ts";
import type { Loss, Settings } from "./losses/loss.ts";
import { batchMetrics, mean, scoredBatch } from "./metrics.ts";
import {
  Collected,
  exampleFeeds,
  rowOf,
  scalarFeeds,
  sequenceFeeds,
  totalFeeds,
} from "./micro_batch.ts";
import type { Policy } from "./models/policy.ts";
import {
  buildObjective,
  forwardOutputs,
  type Objective,
  optionInput,
  statisticInput,
  sumInput,
} from "./objective.ts";
import type { Device } from "./onnx/providers.ts";
import {
  compile,
  type Program,
  type Tensor,
  type Tensors,
} from "./onnx/session.ts";
import { adamW, type Optimizer } from "./optim.ts";
import {
  Optimization,
  type Snapshot,
  type UpdateOptions,
  type Values,
} from "./optimization.ts";
import type { Reference } from "./reference.ts";
import { headChunks, type ScoreOptions, Scorer } from "./scorer.ts";

export interface TrainerOptions {
  policy: Policy;
  loss: Loss;
  /** The loss's choices are compiled in; its numbers may change at each step. */
  settings: Settings;
  /** @default "cpu" */
  device?: Device;
  /** @default 1 */
  threads?: number;
  /**
   * Slots (rows × longest row) of a micro-batch: bounds memory and changes
   * nothing else. @default 1024
   */
  microTokens?: number;
  /** Refuses a training step that would leave the device. @default false */
  strict?: boolean;
  /** @default adamW() */
  optimizer?: Optimizer;
}

export interface BatchOptions {
  settings: Settings;
  reference: Reference | null;
}

export interface StepOptions extends BatchOptions, UpdateOptions {}

/** What a batch gave. */
export interface BatchResult {
  /** Mean of the loss over the examples. */
  readonly loss: number;
  /** `logps/*`, `rewards/*`, the loss's own parts and statistics. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly examples: number;
  /** Tokens that went through the model for the loss. */
  readonly tokens: number;
  /** log π of each example's completions. */
  readonly logProbs: readonly (readonly number[])[];
}

export interface StepResult extends BatchResult {
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
}

/**
 * A policy under training: its parameters and the optimizer's state on the
 * device, and the compiled graphs that move them. It knows no loss by name.
 */
export class Trainer {
  /** The policy, forward only. */
  readonly scorer: Scorer;
  /** Losses and log-probabilities alone, compiled when first used. */
  #forward: Promise<Program> | undefined;

  private constructor(
    readonly options: Required<TrainerOptions>,
    private readonly objective: Objective,
    /** Losses, log-probabilities and gradients of a micro-batch. */
    private readonly program: Program,
    private readonly optimization: Optimization,
  ) {
    this.scorer = new Scorer(options);
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
    const { policy, loss, settings } = options;
    const chunks = headChunks(policy.config, microTokens);
    const objective = buildObjective(policy, loss, { settings, chunks });
    // Gradients come last, so that onnxruntime runs the last layer's first.
    const outputs = { ...forwardOutputs(objective), ...objective.gradients };
    const program = await compile(outputs, options);
    const optimization = await Optimization.create(policy.trained, options);
    await optimization.restart(policy.initial);
    return new Trainer(options, objective, program, optimization);
  }

  /** Steps taken. */
  get step(): number {
    return this.optimization.step;
  }

  /** The trained parameters, to be fed to graphs of the policy. */
  get parameters(): Tensors {
    return this.optimization.parameters;
  }

  /** Number of nodes of the compiled training step. */
  get nodes(): number {
    return this.program.nodes;
  }

  /** Begins anew at these values of the parameters. */
  restart(values: Values): Promise<void> {
    return this.optimization.restart(values);
  }

  save(): Promise<Snapshot> {
    return this.optimization.save();
  }

  restore(snapshot: Snapshot): Promise<void> {
    return this.optimization.restore(snapshot);
  }

  /** log π(y|x) of each completion of each row, under the present parameters. */
  async score(
    rows: readonly Row[],
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
    return await this.#batch(examples, options, (feeds) => program.run(feeds));
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
    await this.optimization.sums.write();
    const result = await this.#batch(
      examples,
      options,
      (feeds) => this.#accumulate(feeds),
    );
    const gradNorm = await this.optimization.gradNorm();
    if (!Number.isFinite(result.loss) || !Number.isFinite(gradNorm)) {
      throw new RangeError(
        `Training diverged at step ${
          this.step + 1
        }: loss ${result.loss}, gradient norm ${gradNorm}; expected finite numbers, perhaps with a smaller learning rate`,
      );
    }
    await this.optimization.take(gradNorm, options);
    return { ...result, gradNorm };
  }

  async release(): Promise<void> {
    await this.program.release();
    await (await this.#forward)?.release();
    await this.scorer.release();
    await this.optimization.release();
  }

  async #batch(
    examples: readonly Example[],
    { settings, reference }: BatchOptions,
    run: (feeds: Tensors) => Promise<Record<string, Tensor>>,
  ): Promise<BatchResult> {
    const { loss, microTokens } = this.options;
    const rows = examples.map((example) => rowOf(example, loss));
    const statistics = await this.#statistics(rows, { settings, reference });
    const shared = {
      ...totalFeeds(rows),
      ...scalarFeeds(settings, optionInput),
      ...scalarFeeds(statistics.inputs, statisticInput),
      ...this.parameters,
    };
    const collected = new Collected();
    for (const [start, end] of microBatches(rows, microTokens)) {
      const part = rows.slice(start, end);
      const tree = treeBatch(part, {
        scorePrompts: loss.scoresPrompts?.(settings) ?? false,
        multiple: this.objective.chunks,
      });
      const references = part.flatMap((row) => reference?.logProbs(row) ?? []);
      const output = await run({
        ...tree.feeds,
        ...exampleFeeds(part, examples.slice(start, end)),
        ...sequenceFeeds(tree.lengths, references),
        ...shared,
      });
      collected.add(part, output, tree.tokens);
    }
    const batch = scoredBatch(examples, {
      logProbs: collected.logProbs,
      refLogProbs: reference && rows.map((row) => reference.logProbs(row)),
    });
    return {
      loss: mean(collected.losses),
      metrics: {
        ...batchMetrics(batch, Number(settings["beta"] ?? 1)),
        ...collected.metricMeans(),
        ...statistics.metrics,
      },
      examples: examples.length,
      tokens: collected.tokens,
      logProbs: collected.logProbs,
    };
  }

  /** What couples the batch's examples, from a forward pass of its own. */
  async #statistics(
    rows: readonly Row[],
    { settings, reference }: BatchOptions,
  ) {
    const { loss } = this.options;
    if (loss.data !== "labels") return { inputs: {}, metrics: {} };
    const mismatched = loss.statistics.rows(rows, settings);
    const logProbs = await this.score(mismatched);
    return loss.statistics.reduce(mismatched.map((row, i) => {
      const [refLogProb = 0] = reference?.logProbs(row) ?? [];
      return logProbs[i]![0]! - refLogProb;
    }));
  }

  /** Adds a micro-batch's gradient to the sums, in place. */
  async #accumulate(feeds: Tensors): Promise<Record<string, Tensor>> {
    const { sums } = this.optimization;
    const named = Object.entries(sums.tensors).map(([name, tensor]) =>
      [sumInput(name), tensor] as const
    );
    const output = await this.program.run(
      { ...feeds, ...Object.fromEntries(named) },
      sums.next,
    );
    sums.advance();
    return output;
  }
}
