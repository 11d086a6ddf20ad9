import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import { microBatches } from "../data/sampler.ts";
import { rowTokens } from "../data/tree_batch.ts";
import { GraphMemory } from "../onnx/peak.ts";
import type { HostTensor } from "../onnx/tensors.ts";
import { rowOf } from "./examples.ts";
import { microBatchFeeds } from "./micro_batches.ts";
import { gradientOutputs, type Objective } from "./objective.ts";
import {
  objectiveOf,
  type TrainerOptions,
  withDefaults,
} from "./trainer_options.ts";

/** Memory of a training step's graph. */
export interface StepMemory {
  /** Bytes of intermediate results at their peak, and of kernels' own memory. */
  readonly results: number;
  /** Bytes of weights that the graph reads in their files. */
  readonly mapped: number;
  /** Nodes of the graph. */
  readonly nodes: number;
}

/** A factor for what kernels need beside results. */
const KERNELS = 1.1;

/**
 * Finds what the largest micro-batch of these batches takes in memory, from the
 * shapes of its graph. Nothing is compiled or computed.
 */
export function stepMemory(
  options: TrainerOptions,
  batches: readonly (readonly Example[])[],
): StepMemory {
  const objective = objectiveOf(options);
  // These go to memory of the sums.
  const written = Object.keys(objective.gradients);
  const outputs = gradientOutputs(objective);
  const memory = new GraphMemory(outputs, written, options.precision);
  const peaks = largestOf(batches, withDefaults(options)).map((examples) =>
    memory.peak(feedsOf(objective, examples, options))
  );
  const { nodes, mapped } = memory;
  return { nodes, mapped, results: KERNELS * Math.max(...peaks) };
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
