import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import { microBatches } from "../data/sampler.ts";
import { rowTokens, treeBatch } from "../data/tree_batch.ts";
import { GraphMemory } from "../onnx/peak.ts";
import type { HostTensor } from "../onnx/tensors.ts";
import { rowOf } from "./examples.ts";
import { streamFeeds } from "./feeds.ts";
import { headChunks, logProbsOf } from "./forward_pass.ts";
import { microBatchFeeds } from "./micro_batches.ts";
import {
  forwardOutputs,
  gradientOutputs,
  type Objective,
} from "./objective.ts";
import {
  objectiveOf,
  type TrainerOptions,
  withDefaults,
} from "./trainer_options.ts";

/** Memory of one graph of a run, whose session keeps what its runs took. */
export interface SessionMemory {
  /** Bytes of intermediate results at their peak. */
  readonly results: number;
  /** Bytes of the largest of them. */
  readonly largest: number;
  /** Bytes of weights that the graph reads in their files. */
  readonly mapped: number;
  /** Bytes of what it computes of weights once. */
  readonly folded: number;
  /** Bytes of weights that it holds on a device. */
  readonly constants: number;
  /** Nodes of the graph. */
  readonly nodes: number;
}

/**
 * Finds what the largest micro-batch of these batches takes in memory in a
 * training step, from the shapes of its graph. Nothing is compiled or computed.
 */
export function stepMemory(
  options: TrainerOptions,
  batches: readonly (readonly Example[])[],
): SessionMemory {
  const objective = objectiveOf(options);
  // These go to memory of the sums.
  const written = Object.keys(objective.gradients);
  const outputs = gradientOutputs(objective);
  const memory = new GraphMemory(outputs, written, options);
  const largest = largestOf(batches, withDefaults(options));
  return sessionMemory(
    memory,
    largest.map((examples) => feedsOf(objective, examples, options)),
  );
}

/** The same for an evaluation. */
export function evaluationMemory(
  options: TrainerOptions,
  batches: readonly (readonly Example[])[],
): SessionMemory {
  const objective = objectiveOf(options);
  const memory = new GraphMemory(forwardOutputs(objective), [], options);
  const largest = largestOf(batches, withDefaults(options));
  return sessionMemory(
    memory,
    largest.map((examples) => feedsOf(objective, examples, options)),
  );
}

/** The same for log-probabilities, which references and measures of a run read. */
export function forwardMemory(
  options: TrainerOptions,
  examples: readonly Example[],
): SessionMemory {
  const { policy, loss, microTokens, attentionCuts } = withDefaults(options);
  const multiple = headChunks(policy.config, microTokens);
  const logProbs = logProbsOf(policy, {
    ...{ chunks: multiple, attentionCuts, unit: "completions" },
  });
  const largest = largestOf([examples], { loss, microTokens });
  return sessionMemory(
    new GraphMemory({ logProbs }, [], options),
    largest.map((part) => {
      const rows = part.map((example) => rowOf(example, loss));
      return streamFeeds(treeBatch(rows, { multiple, attentionCuts }));
    }),
  );
}

function sessionMemory(
  memory: GraphMemory,
  feeds: readonly Readonly<Record<string, HostTensor>>[],
): SessionMemory {
  const { nodes, mapped, folded, constants } = memory;
  return {
    ...{ nodes, mapped, folded, constants },
    results: Math.max(...feeds.map((each) => memory.peak(each))),
    largest: Math.max(...feeds.map((each) => memory.largest(each))),
  };
}

/** Sizes of a micro-batch by which it may take the most memory. */
const SIZES: readonly ((rows: readonly TokenRow[]) => number)[] = [
  // Tokens, scored tokens, attention.
  (rows) => sum(rows.map(rowTokens)),
  (rows) => sum(rows.flatMap((row) => lossLengths(row))),
  (rows) => rows.length * Math.max(...rows.map(rowTokens)) ** 2,
];

/** The micro-batches that are the largest in one size or another. */
function largestOf(
  batches: readonly (readonly Example[])[],
  { loss, microTokens }: Required<Pick<TrainerOptions, "loss" | "microTokens">>,
): (readonly Example[])[] {
  const largest = SIZES.map(() => ({ size: 0, examples: batches[0]! }));
  for (const batch of batches) {
    const rows = batch.map((example) => rowOf(example, loss));
    for (const [start, end] of microBatches(rows, microTokens)) {
      const part = rows.slice(start, end);
      for (const [i, sizeOf] of SIZES.entries()) {
        const size = sizeOf(part);
        if (size <= largest[i]!.size) continue;
        largest[i] = { size, examples: batch.slice(start, end) };
      }
    }
  }
  return [...new Set(largest.map(({ examples }) => examples))];
}

/** Feeds of which the shapes count. */
function feedsOf(
  objective: Objective,
  examples: readonly Example[],
  { loss, lossOptions }: Pick<TrainerOptions, "loss" | "lossOptions">,
): Readonly<Record<string, HostTensor>> {
  const statistics = Object.entries(loss.statistics?.outputs ?? {});
  const zero = (kind: "number" | "list") =>
    kind === "number" ? 0 : examples.map(() => 0);
  return microBatchFeeds(objective, {
    rows: examples.map((example) => rowOf(example, loss)),
    examples,
    start: 0,
    draw: 0,
    totals: { examples: 1, completionTokens: 1, promptTokens: 1 },
    lossOptions,
    statistics: Object.fromEntries(
      statistics.map(([name, kind]) => [name, zero(kind)]),
    ),
    reference: {
      logProbs: (row) => row.completions.map(() => 0),
      tokenLogProbs: (row) =>
        lossLengths(row).map((length) => new Array(length).fill(0)),
    },
  }).feeds;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
