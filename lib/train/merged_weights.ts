import type { Example } from "../data/example.ts";
import { rowTokens } from "../data/tree_batch.ts";
import type { Merging, Policy } from "../models/policy.ts";
import { Graph } from "../onnx/graph.ts";
import {
  compile,
  type CompileOptions,
  type Program,
  type Tensors,
} from "../onnx/session.ts";

/**
 * Weights in memory with an adapter merged in: y = x (W + s B A)ᵀ is one product,
 * where x Wᵀ + s (x Aᵀ) Bᵀ takes two more, of which one reads and writes all of y,
 * and as many in the backward pass.
 */
export class MergedWeights {
  private constructor(
    /** The policy that reads them. */
    readonly policy: Policy,
    private readonly program: Program,
    private readonly weights: Tensors,
  ) {}

  /** Weights that are all 0. */
  static async create(
    merging: Merging,
    options: CompileOptions,
  ): Promise<MergedWeights> {
    const { weights, policy } = zeros(merging);
    const program = await compile(merging.merged(new Graph()), options);
    return new MergedWeights(policy, program, weights);
  }

  /** SHA-256 of the graph that merges. */
  get hash(): string {
    return this.program.hash;
  }

  /** Merges these values of the trained parameters. */
  async update(parameters: Tensors): Promise<void> {
    await this.program.run(parameters, this.weights);
  }

  release(): Promise<void> {
    return this.program.release();
  }
}

/** Widths up to which adapters take enough of the time, their rank by the width. */
const WIDEST = 1024;
/** Tokens of a step for each unit of the width, from which merging pays. */
const TOKENS = 4;

/**
 * Whether merging makes steps on batches of these examples faster than its copy
 * of the weights costs.
 */
export function suitsMerging(
  { config: { hiddenSize }, merging }: Policy,
  { examples, batches }: {
    examples: readonly Example[];
    batches: readonly (readonly number[])[];
  },
): boolean {
  const tokens = batches.flat()
    .reduce((sum, i) => sum + rowTokens(examples[i]!), 0);
  return merging !== undefined && hiddenSize <= WIDEST &&
    tokens >= TOKENS * hiddenSize * batches.length;
}

/** The policy over merged weights that are all 0. */
export function overZeros(merging: Merging): Policy {
  return zeros(merging).policy;
}

function zeros({ targets, over }: Merging) {
  const weights = targets.map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    return [name, { data, shape }] as const;
  });
  const policy = over(new Map(weights.map(([name, { data }]) => [name, data])));
  return { weights: Object.fromEntries(weights), policy };
}
