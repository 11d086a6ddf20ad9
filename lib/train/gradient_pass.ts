import type { Policy } from "../models/policy.ts";
import type { Program } from "../onnx/program.ts";
import { compile, type CompileOptions } from "../onnx/session.ts";
import type { Tensor, Tensors } from "../onnx/tensors.ts";
import { gradientOutputs, type Objective, sumInput } from "./objective.ts";
import type { TrainedParameters } from "./trained_parameters.ts";

/** Computes losses, log-probabilities and gradients of micro-batches. */
export class GradientPass {
  /** Number of nodes of the compiled graph. */
  readonly nodes: number;
  /** `null` once it is freed. */
  #program: Program | null;

  private constructor(
    program: Program,
    private readonly compile: () => Promise<Program>,
  ) {
    this.nodes = program.nodes;
    this.#program = program;
  }

  /** Compiles an objective with its gradients. */
  static async compile(
    objective: Objective,
    options: CompileOptions & { policy: Policy },
  ): Promise<GradientPass> {
    const outputs = gradientOutputs(objective);
    // In forward order, so that the last layer's gradients are computed first.
    const last = options.policy.trained.map(({ name }) => name);
    const compiled = () => compile(outputs, { ...options, last });
    return new GradientPass(await compiled(), compiled);
  }

  /** Adds a micro-batch's gradients to the sums, in place. */
  async add(
    feeds: Tensors,
    { parameters, sums }: TrainedParameters,
  ): Promise<Record<string, Tensor>> {
    const named = Object.entries(sums.tensors).map(([name, tensor]) =>
      [sumInput(name), tensor] as const
    );
    this.#program ??= await this.compile();
    const output = await this.#program.run(
      { ...feeds, ...parameters, ...Object.fromEntries(named) },
      sums.next,
    );
    sums.advance();
    return output;
  }

  /**
   * Ends the profile that the options asked for; the path of its file.
   *
   * @throws Error where it is released.
   */
  async endProfile(): Promise<string> {
    if (this.#program) return await this.#program.endProfile();
    throw new Error("Cannot end the profile of a step: it is released");
  }

  /** Frees the compiled graph. It is compiled again if it is used again. */
  async release(): Promise<void> {
    const program = this.#program;
    this.#program = null;
    await program?.release();
  }
}
