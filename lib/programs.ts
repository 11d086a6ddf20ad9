import { forwardOutputs, type Objective } from "./objective.ts";
import { compile, type CompileOptions, type Program } from "./onnx/session.ts";
import { type Optimizer, squaredNorm } from "./optim.ts";

/** The compiled graphs of a trainer. */
export class Programs {
  readonly #objective: Objective;
  readonly #options: CompileOptions;
  #forward: Promise<Program> | undefined;

  private constructor(
    objective: Objective,
    options: CompileOptions,
    /** Losses, log-probabilities and gradients of a micro-batch. */
    readonly train: Program,
    /** The optimizer's step on a piece of the parameters. */
    readonly update: Program,
    /** Σ x² of a piece of the gradient. */
    readonly norm: Program,
  ) {
    this.#objective = objective;
    this.#options = options;
  }

  static async create(
    objective: Objective,
    { optimizer, ...options }: CompileOptions & { optimizer: Optimizer },
  ): Promise<Programs> {
    // Gradients come last, so that onnxruntime runs the last layer's first.
    const outputs = { ...forwardOutputs(objective), ...objective.gradients };
    return new Programs(
      objective,
      options,
      await compile(outputs, options),
      await compile(optimizer.update(), options),
      await compile(squaredNorm(), options),
    );
  }

  /** Losses and log-probabilities of a micro-batch, compiled when first used. */
  forward(): Promise<Program> {
    return this.#forward ??= compile(
      forwardOutputs(this.#objective),
      this.#options,
    );
  }

  async release(): Promise<void> {
    for (const program of [this.train, this.update, this.norm]) {
      await program.release();
    }
    await (await this.#forward)?.release();
  }
}
