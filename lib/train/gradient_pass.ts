import type { Policy } from "../models/policy.ts";
import type { Program } from "../onnx/program.ts";
import { compile, type CompileOptions } from "../onnx/session.ts";
import type { Tensor, Tensors } from "../onnx/tensors.ts";
import { gradientOutputs, type Objective, sumInput } from "./objective.ts";
import type { TrainedParameters } from "./trained_parameters.ts";

/** Computes losses, log-probabilities and gradients of micro-batches. */
export class GradientPass {
  private constructor(private readonly program: Program) {}

  /** Compiles an objective with its gradients. */
  static async compile(
    objective: Objective,
    options: CompileOptions & { policy: Policy },
  ): Promise<GradientPass> {
    const outputs = gradientOutputs(objective);
    // In forward order, so that the last layer's gradients are computed first.
    const last = options.policy.trained.map(({ name }) => name);
    return new GradientPass(await compile(outputs, { ...options, last }));
  }

  /** Number of nodes of the compiled graph. */
  get nodes(): number {
    return this.program.nodes;
  }

  /** Adds a micro-batch's gradients to the sums, in place. */
  async add(
    feeds: Tensors,
    { parameters, sums }: TrainedParameters,
  ): Promise<Record<string, Tensor>> {
    const named = Object.entries(sums.tensors).map(([name, tensor]) =>
      [sumInput(name), tensor] as const
    );
    const output = await this.program.run(
      { ...feeds, ...parameters, ...Object.fromEntries(named) },
      sums.next,
    );
    sums.advance();
    return output;
  }

  /** Ends the profile that the options asked for; the path of its file. */
  endProfile(): Promise<string> {
    return this.program.endProfile();
  }

  release(): Promise<void> {
    return this.program.release();
  }
}
