import { forwardOutputs, type Objective } from "./objective.ts";
import { compile, type CompileOptions, type Program } from "./onnx/session.ts";
import { type Optimizer, squaredNorm } from "./optim.ts";

/** The compiled graphs of a trainer. */
export class Programs {
  readonly #objective: Objective;
  readonly #options: CompileOptions;
  readonly #lazy = new Map<string, Promise<Program>>();

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
    return this.#once("forward", () => forwardOutputs(this.#objective));
  }

  /** Log-probabilities alone. */
  score(): Promise<Program> {
    const { logProbs } = this.#objective;
    return this.#once("score", () => ({ logProbs }));
  }

  async release(): Promise<void> {
    for (const program of [this.train, this.update, this.norm]) {
      await program.release();
    }
    for (const program of this.#lazy.values()) await (await program).release();
  }

  #once(
    name: string,
    outputs: () => Parameters<typeof compile>[0],
  ): Promise<Program> {
    const program = this.#lazy.get(name) ?? compile(outputs(), this.#options);
    this.#lazy.set(name, program);
    return program;
  }
}
