import { MICRO_TOKENS, microBatches } from "../data/sampler.ts";
import { ALONE, type Group } from "../distributed/group.ts";
import { lossLengths, type TokenRow } from "../data/example.ts";
import { treeBatch } from "../data/tree_batch.ts";
import type { DecoderConfig } from "../models/config.ts";
import { sequenceSums, targetLogProbs } from "../models/decoder/decoder.ts";
import type { Policy } from "../models/policy.ts";
import { Graph, type Value } from "../onnx/graph/graph.ts";
import type { Program } from "../onnx/program.ts";
import { compile, type CompileOptions } from "../onnx/session.ts";
import { hostData, type Tensors } from "../onnx/tensors.ts";
import { createState } from "../onnx/state.ts";
import { streamFeeds, streamInputs } from "./feeds.ts";
import { nullIfStopped, type Stop, Stopped, throwIfStopped } from "./stop.ts";

/** A policy, and how its forward pass is computed. */
export interface ForwardPassOptions extends CompileOptions {
  policy: Policy;
  /** Slots (rows × longest row) that are in memory at once. @default MICRO_TOKENS */
  microTokens?: number;
  /** Cuts of attention, as in `treeBatch()`. @default 0 */
  attentionCuts?: number;
}

/** Parameters of a forward pass, and a hook for its progress. */
export interface LogProbOptions {
  /** Values of what the policy trains. */
  parameters: Tensors;
  /** Called with the number of rows that are done. */
  onRows?: (done: number) => void;
  /** Called with the log-probabilities of the next rows, as they are computed. */
  onPart?: (logProbs: readonly (readonly LogProbOrTokens[])[]) => void;
  /** Ends the computation between two micro-batches, with {@linkcode Stopped}. */
  stop?: Stop | undefined;
  /**
   * Processes that compute the same rows: they take turns with micro-batches,
   * and all have the result. @default this one alone
   */
  group?: Group;
}

/** log π of a completion, or of each of its tokens, in nats. */
export type LogProbOrTokens = number | readonly number[];

/** Bytes of logits that one chunk of the head may take. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** Each chunk copies the head's nodes; with too many, sessions start slowly. */
const MOST_CHUNKS = 64;

/** Number of equal parts of the head's work on a micro-batch, so that logits fit. */
export function headChunks(
  { vocabSize }: Pick<DecoderConfig, "vocabSize">,
  microTokens: number,
): number {
  const needed = Math.ceil(microTokens * vocabSize * 4 / CHUNK_BYTES);
  return Math.min(needed, MOST_CHUNKS);
}

/** The unit that has one log-probability. */
type Unit = "completions" | "tokens";

/** Computes log-probabilities under a policy, without gradients. */
export class ForwardPass {
  readonly #microTokens: number;
  readonly #chunks: number;
  readonly #attentionCuts: number;
  readonly #compile: (unit: Unit) => Promise<Program>;
  readonly #programs = new Map<Unit, Promise<Program>>();

  /** @internal */
  constructor(
    { policy, microTokens = MICRO_TOKENS, attentionCuts = 0, ...options }:
      ForwardPassOptions,
  ) {
    this.#microTokens = microTokens;
    this.#attentionCuts = attentionCuts;
    const chunks = headChunks(policy.config, microTokens);
    this.#chunks = chunks;
    this.#compile = (unit) =>
      compile(
        { logProbs: logProbsOf(policy, { chunks, attentionCuts, unit }) },
        options,
      );
  }

  /** log π(y|x) of each completion of each row, in nats. */
  async logProbs(
    rows: readonly TokenRow[],
    options: LogProbOptions,
  ): Promise<number[][]> {
    return await this.#run(
      rows,
      { ...options, unit: "completions" },
      (row, values) => values.splice(0, row.completions.length),
    );
  }

  /** log π of each scored token of each completion of each row, in nats. */
  async tokenLogProbs(
    rows: readonly TokenRow[],
    options: LogProbOptions,
  ): Promise<number[][][]> {
    return await this.#run(
      rows,
      { ...options, unit: "tokens" },
      (row, values) =>
        lossLengths(row).map((length) => values.splice(0, length)),
    );
  }

  /**
   * SHA-256 of the compiled graph: of everything that decides
   * log-probabilities except rows, parameters and stored weights.
   */
  async hash(): Promise<string> {
    return (await this.#compiled("completions")).hash;
  }

  /** Frees the compiled graphs. They are compiled again if used again. */
  async release(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await (await program).release();
  }

  /** @param take removes a row's own values from the front of a micro-batch's. */
  async #run<T extends readonly LogProbOrTokens[]>(
    rows: readonly TokenRow[],
    { onRows, onPart, group = ALONE, ...options }: LogProbOptions & {
      unit: Unit;
    },
    take: (row: TokenRow, values: number[]) => T,
  ): Promise<T[]> {
    const parts = microBatches(rows, this.#microTokens);
    const results: T[] = [];
    for (let at = 0; at < parts.length; at += group.size) {
      const part = rows.slice(...parts[at + group.rank] ?? [0, 0]);
      const own = await this.#micro(part, options, take).catch(nullIfStopped);
      const all = await group.gather(own);
      const taken = all.flatMap((each) => {
        if (each === null) throw new Stopped("A stop was requested");
        return each;
      });
      results.push(...taken);
      onPart?.(taken);
      onRows?.(results.length);
    }
    return results;
  }

  /** Computes one micro-batch; of no rows, nothing. */
  async #micro<T>(
    rows: readonly TokenRow[],
    { parameters, stop, unit }: LogProbOptions & { unit: Unit },
    take: (row: TokenRow, values: number[]) => T,
  ): Promise<T[]> {
    await throwIfStopped(stop);
    if (rows.length === 0) return [];
    const program = await this.#compiled(unit);
    const tree = treeBatch(rows, {
      multiple: this.#chunks,
      attentionCuts: this.#attentionCuts,
    });
    const feeds = streamFeeds(tree);
    const output = await program.run({ ...feeds, ...parameters });
    const values = Array.from(hostData(output["logProbs"]));
    return rows.map((row) => take(row, values));
  }

  /** Compiled when first used: most runs never need one. */
  #compiled(unit: Unit): Promise<Program> {
    const program = this.#programs.get(unit) ?? this.#compile(unit);
    this.#programs.set(unit, program);
    return program;
  }
}

/** The graph of log-probabilities under a policy, without a loss. */
export function logProbsOf(
  policy: Policy,
  { chunks, attentionCuts, unit }: {
    chunks: number;
    attentionCuts: number;
    unit: Unit;
  },
): Value {
  const graph = new Graph();
  const inputs = streamInputs(graph, attentionCuts);
  const parameters = policy.parameters(graph);
  const options = { inputs, chunks };
  const { logProbs } = targetLogProbs(policy.config, parameters, options);
  return unit === "completions" ? sequenceSums(logProbs, inputs) : logProbs;
}

/** The error of log-probabilities that are computed otherwise than exactly. */
export interface LogProbError {
  readonly rows: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  /** Mean of |Δ log π| of a token, in nats. */
  readonly mean: number;
  /** The largest |Δ log π|. */
  readonly largest: number;
}

/** Scores rows under a policy before training in one way, and in an exact one. */
export async function logProbError(
  rows: readonly TokenRow[],
  found: ForwardPassOptions,
  exact: ForwardPassOptions,
): Promise<LogProbError> {
  const actual = await tokenScores(rows, found);
  const expected = await tokenScores(rows, exact);
  const differences = actual.map((x, i) => Math.abs(x - expected[i]!));
  return {
    rows: rows.length,
    tokens: differences.length,
    mean: differences.reduce((a, b) => a + b, 0) / differences.length,
    largest: differences.reduce((a, b) => Math.max(a, b), 0),
  };
}

async function tokenScores(
  rows: readonly TokenRow[],
  { policy, ...options }: ForwardPassOptions,
): Promise<number[]> {
  const forward = new ForwardPass({ policy, ...options });
  const state = await createState([policy.trained], options.device ?? "cpu");
  try {
    await state.write(policy.initial);
    const parameters = state.tensors;
    return (await forward.tokenLogProbs(rows, { parameters })).flat(2);
  } finally {
    await state.release();
    await forward.release();
  }
}
