import { microBatches } from "./data/sampler.ts";
import { type Row, treeBatch } from "./data/tree_batch.ts";
import type { DecoderConfig } from "./models/config.ts";
import { sequenceLogProbs, streamInputs } from "./models/decoder.ts";
import type { Policy } from "./models/policy.ts";
import { Graph } from "./onnx/graph.ts";
import {
  compile,
  type CompileOptions,
  hostData,
  type Program,
  type Tensors,
} from "./onnx/session.ts";

export interface ScorerOptions extends CompileOptions {
  policy: Policy;
  /** Slots (rows × longest row) that are in memory at once. @default 1024 */
  microTokens?: number;
}

export interface ScoreOptions {
  /** Values of what the policy trains. */
  parameters: Tensors;
  /** Told how many rows are done. */
  onRows?: (done: number) => void;
}

/** Bytes of logits that one chunk of the head may take. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** Each chunk is a copy of the head's nodes: beyond some, sessions start slowly. */
const MOST_CHUNKS = 64;

/** Equal parts of the head's work on a micro-batch, so that logits fit. */
export function headChunks(
  { vocabSize }: Pick<DecoderConfig, "vocabSize">,
  microTokens: number,
): number {
  const needed = Math.ceil(microTokens * vocabSize * 4 / CHUNK_BYTES);
  return Math.min(needed, MOST_CHUNKS);
}

/** Log-probabilities under a policy: forward passes without gradients. */
export class Scorer {
  readonly #microTokens: number;
  readonly #chunks: number;
  readonly #compile: () => Promise<Program>;
  #program: Promise<Program> | undefined;

  constructor({ policy, microTokens = 1024, ...options }: ScorerOptions) {
    this.#microTokens = microTokens;
    const chunks = headChunks(policy.config, microTokens);
    this.#chunks = chunks;
    this.#compile = () =>
      compile({ logProbs: logProbsOf(policy, chunks) }, options);
  }

  /** log π(y|x) of each completion of each row, in nats. */
  async score(
    rows: readonly Row[],
    { parameters, onRows }: ScoreOptions,
  ): Promise<number[][]> {
    const program = await this.#compiled();
    const results: number[][] = [];
    for (const [start, end] of microBatches(rows, this.#microTokens)) {
      const part = rows.slice(start, end);
      const { feeds } = treeBatch(part, { multiple: this.#chunks });
      const output = await program.run({ ...feeds, ...parameters });
      const flat = Array.from(hostData(output["logProbs"]));
      for (const { completions } of part) {
        results.push(flat.splice(0, completions.length));
      }
      onRows?.(end);
    }
    return results;
  }

  /**
   * SHA-256 of the compiled graph: of everything that decides
   * log-probabilities, but rows, parameters and stored weights.
   */
  async hash(): Promise<string> {
    return (await this.#compiled()).hash;
  }

  async release(): Promise<void> {
    await (await this.#program)?.release();
  }

  /** Compiled when first used: most losses never score. */
  #compiled(): Promise<Program> {
    return this.#program ??= this.#compile();
  }
}

function logProbsOf(policy: Policy, chunks: number) {
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const parameters = policy.parameters(graph);
  return sequenceLogProbs(policy.config, parameters, inputs, { chunks });
}
