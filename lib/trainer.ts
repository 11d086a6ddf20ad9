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
  optionInput,
  statisticInput,
  sumInput,
} from "./objective.ts";
import type { Device } from "./onnx/providers.ts";
import { hostData, type Tensor, type Tensors } from "./onnx/session.ts";
import { createState, type State } from "./onnx/state.ts";
import { adamW, clippingScale, type Optimizer } from "./optim.ts";
import { Programs } from "./programs.ts";
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

export interface StepOptions extends BatchOptions {
  learningRate: number;
  /** Relative to the learning rate, on matrices only. @default 0 */
  weightDecay?: number;
  /** Norm that the gradient is clipped to; 0 does not clip. @default 1 */
  maxGradNorm?: number;
}

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

/** What of a training run outlives its process. */
export interface Snapshot {
  readonly step: number;
  /** The parameters and the optimizer's slots, each by parameter name. */
  readonly tensors: ReadonlyMap<
    string,
    ReadonlyMap<string, Float32Array<ArrayBuffer>>
  >;
}

/** Name under which graphs and snapshots have the parameters. */
const PARAMETER = "parameter";

/**
 * A policy under training: its parameters and the optimizer's state on the
 * device, and the compiled graphs that move them. It knows no loss by name.
 */
export class Trainer {
  /** The policy, forward only. */
  readonly scorer: Scorer;
  #step = 0;

  private constructor(
    readonly options: Required<TrainerOptions>,
    private readonly programs: Programs,
    /** Equal parts of the head's work. */
    private readonly chunks: number,
    /** Sums of gradients over the micro-batches. */
    private readonly sums: State,
    /** The parameters, then the optimizer's slots. */
    private readonly states: ReadonlyMap<string, State>,
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
    const programs = await Programs.create(objective, options);
    const states = new Map<string, State>();
    for (const name of [PARAMETER, ...optimizer.slots]) {
      states.set(name, await createState(policy.trained, device));
    }
    const sums = await createState(policy.trained, device);
    const trainer = new Trainer(options, programs, chunks, sums, states);
    await trainer.restart(policy.initial);
    return trainer;
  }

  /** Steps taken. */
  get step(): number {
    return this.#step;
  }

  /** The trained parameters, to be fed to graphs of the policy. */
  get parameters(): Tensors {
    return this.states.get(PARAMETER)!.tensors;
  }

  /** Number of nodes of the compiled training step. */
  get nodes(): number {
    return this.programs.train.nodes;
  }

  /** Begins anew at these values of the parameters. */
  async restart(
    values: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
  ): Promise<void> {
    for (const state of this.states.values()) await state.write();
    await this.states.get(PARAMETER)!.write(values);
    this.#step = 0;
  }

  async save(): Promise<Snapshot> {
    const tensors: [string, Map<string, Float32Array<ArrayBuffer>>][] = [];
    for (const [name, state] of this.states) {
      tensors.push([name, await state.read()]);
    }
    return { step: this.#step, tensors: new Map(tensors) };
  }

  async restore({ step, tensors }: Snapshot): Promise<void> {
    for (const [name, state] of this.states) {
      await state.write(tensors.get(name)!);
    }
    this.#step = step;
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
    const program = await this.programs.forward();
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
    await this.sums.write();
    const result = await this.#batch(
      examples,
      options,
      (feeds) => this.#accumulate(feeds),
    );
    const gradNorm = await this.#gradNorm();
    if (!Number.isFinite(result.loss) || !Number.isFinite(gradNorm)) {
      throw new RangeError(
        `Training diverged at step ${
          this.#step + 1
        }: loss ${result.loss}, gradient norm ${gradNorm}; expected finite numbers, perhaps with a smaller learning rate`,
      );
    }
    await this.#update(gradNorm, options);
    return { ...result, gradNorm };
  }

  async release(): Promise<void> {
    await this.programs.release();
    await this.scorer.release();
    for (const state of [this.sums, ...this.states.values()]) {
      await state.release();
    }
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
        multiple: this.chunks,
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
    const sums = Object.entries(this.sums.tensors).map(([name, tensor]) =>
      [sumInput(name), tensor] as const
    );
    const output = await this.programs.train.run(
      { ...feeds, ...Object.fromEntries(sums) },
      this.sums.next,
    );
    this.sums.advance();
    return output;
  }

  async #gradNorm(): Promise<number> {
    let squares = 0;
    for (const { now } of this.sums.pieces) {
      const output = await this.programs.norm.run({ gradient: now });
      squares += Number(hostData(output["squares"])[0]);
    }
    return Math.sqrt(squares);
  }

  async #update(
    gradNorm: number,
    { learningRate, weightDecay = 0, maxGradNorm = 1 }: StepOptions,
  ): Promise<void> {
    this.#step++;
    const gradientScale = clippingScale(gradNorm, maxGradNorm);
    const pieces = [...this.states].map(([name, { pieces }]) =>
      [name, pieces] as const
    );
    for (const [i, { now, ofMatrices }] of this.sums.pieces.entries()) {
      const numbers = this.options.optimizer.scalars(this.#step, {
        learningRate,
        gradientScale,
        weightDecay: ofMatrices ? weightDecay : 0,
      });
      const named = (which: "now" | "next") =>
        Object.fromEntries(
          pieces.map(([name, list]) => [name, list[i]![which]]),
        );
      await this.programs.update.run(
        { gradient: now, ...scalarFeeds(numbers), ...named("now") },
        named("next"),
      );
    }
    for (const state of this.states.values()) state.advance();
  }
}
