import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import { microBatches } from "../data/sampler.ts";
import { rowTokens, treeBatch } from "../data/tree_batch.ts";
import type { Group } from "../distributed/group.ts";
import { shared, sharesOf } from "../distributed/shares.ts";
import type { LossMicroBatch } from "../losses/batch_inputs.ts";
import type { BatchStatistics, Loss, LossState } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { HostTensor, Tensor, Tensors } from "../onnx/tensors.ts";
import { BatchOutputs, type ExampleOutputs } from "./batch_outputs.ts";
import { exampleWeights, rowOf } from "./examples.ts";
import type { MicroBatch } from "./feeds.ts";
import {
  batchMetrics,
  groupMeans,
  logProbsByPreference,
  mean,
} from "./metrics.ts";
import type { Objective } from "./objective.ts";
import type { Reference } from "./reference.ts";
import { nullIfStopped, Stopped } from "./stop.ts";

/** How an optimizer batch is computed. */
export interface BatchOptions {
  /** Values of the loss's options. */
  lossOptions: LossOptionValues;
  /** Log-probabilities under the reference; null for a loss that reads none. */
  reference: Reference | null;
}

/** The result of a batch, or of an evaluated set. */
export interface BatchResult {
  /** Mean of the loss over the examples, by weight. */
  readonly loss: number;
  /** `logps/*`, `rewards/*`, the loss's own parts and statistics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Examples of the batch. */
  readonly examples: number;
  /** Tokens that went through the model for the loss. */
  readonly tokens: number;
  /** log π of each example's completions. */
  readonly logProbs: readonly (readonly number[])[];
}

interface MicroBatchOptions extends BatchOptions {
  loss: Loss;
  objective: Objective;
  /** Slots of a micro-batch. */
  microTokens: number;
  statistics: BatchStatistics["values"];
  /** Counts over the set whose mean the loss is: the optimizer batch. */
  totals: LossMicroBatch["totals"];
  /** The draw of whatever the loss samples. */
  draw: number;
  /** Factor of the gradient, for graphs that scale it. @default 1 */
  lossScale?: number;
}

/** Runs the objective's graph on the feeds of a micro-batch. */
type RunGraph = (feeds: Tensors) => Promise<Record<string, Tensor>>;

/**
 * Computes a batch, of which each rank of a group takes a share, and adds what
 * all of them give to `outputs`.
 *
 * @throws Stopped if `run` does on any rank.
 */
export async function runInMicroBatches(
  examples: readonly Example[],
  { group, outputs, statistics, ...batch }: MicroBatchOptions & {
    group: Group;
    outputs: BatchOutputs;
  },
  run: RunGraph,
): Promise<void> {
  const shares = sharesOf(examples.map(rowTokens), group.size);
  const own = shares[group.rank]!;
  const share = await outputsOf(
    own.map((i) => examples[i]!),
    { ...batch, statistics: statisticsAt(own, statistics) },
    run,
  ).catch(nullIfStopped);
  const all = await group.gather(share);
  if (!all.every((share) => share !== null)) {
    throw new Stopped("A stop was requested");
  }
  outputs.addShares(shares, all);
}

/** The part of a batch's statistics that some of its examples read. */
function statisticsAt(
  numbers: readonly number[],
  statistics: BatchStatistics["values"],
): BatchStatistics["values"] {
  return Object.fromEntries(
    Object.entries(statistics).map(([name, value]) => [
      name,
      typeof value === "number" ? value : numbers.map((i) => value[i]!),
    ]),
  );
}

/**
 * Computes examples, cut into micro-batches in their own order. Longest first
 * would pad least and be as exact, yet it moves the last digits, and a run that
 * is chaotic over thousands of steps would not end where its record says.
 */
async function outputsOf(
  examples: readonly Example[],
  { loss, objective, microTokens, ...batch }: MicroBatchOptions,
  run: RunGraph,
): Promise<ExampleOutputs> {
  const outputs = new BatchOutputs();
  const rows = examples.map((example) => rowOf(example, loss));
  for (const [start, end] of microBatches(rows, microTokens)) {
    const part = rows.slice(start, end);
    const { tokens, feeds } = microBatchFeeds(objective, {
      ...batch,
      rows: part,
      examples: examples.slice(start, end),
      start,
    });
    outputs.add(part, await run(feeds));
    outputs.tokens += tokens;
  }
  return outputs;
}

/** Lays a micro-batch out for the objective's graph, and counts its tokens. */
export function microBatchFeeds(
  { requirements, chunks, attentionCuts, feeds }: Objective,
  batch: Omit<MicroBatch, "tree">,
): { tokens: number; feeds: Record<string, HostTensor> } {
  const tree = treeBatch(batch.rows, {
    scorePrompts: requirements.prompts,
    multiple: chunks,
    attentionCuts,
  });
  return { tokens: tree.ids.length, feeds: feeds({ ...batch, tree }) };
}

/**
 * Puts the outputs of all examples together: each metric is the mean, by
 * weight, over those of them that have it.
 *
 * @param options `statistics`: the metrics of the statistics.
 */
export function batchResult(
  examples: readonly Example[],
  outputs: BatchOutputs,
  { loss, lossOptions, reference, statistics }: BatchOptions & {
    loss: Loss;
    statistics: BatchStatistics["metrics"];
  },
): BatchResult {
  const rows = examples.map((example) => rowOf(example, loss));
  const weights = exampleWeights(examples);
  const { logProbs, tokens } = outputs;
  const refLogProbs = reference && rows.map((row) => reference.logProbs(row));
  const scored = logProbsByPreference(examples, { logProbs, refLogProbs });
  return {
    loss: mean(outputs.losses, weights),
    metrics: {
      ...batchMetrics(scored, loss.rewardScale?.(lossOptions)),
      ...groupMeans("weights", examples, outputs.gradientSizes(weights)),
      ...groupMeans("lengths", examples, rows.map(lossLengths)),
      ...outputs.metricMeans(weights),
      ...statistics,
    },
    examples: examples.length,
    tokens,
    logProbs,
  };
}

/**
 * Computes the statistics that couple a batch's examples, those of all ranks.
 *
 * @param logProbsOf gives log π of each completion of a rank's share, by a
 * forward pass of its own.
 */
export async function batchStatistics(
  examples: readonly Example[],
  { loss, lossOptions, reference, state, group }: BatchOptions & {
    loss: Loss;
    state: LossState;
    group: Group;
  },
  logProbsOf: (
    rows: readonly TokenRow[],
  ) => Promise<readonly (readonly number[])[]>,
): Promise<BatchStatistics> {
  const { statistics } = loss;
  if (!statistics) return { values: {}, metrics: {} };
  const batch = examples.map((example) => rowOf(example, loss));
  const rows = statistics.rows?.(batch, lossOptions) ?? batch;
  const logProbs = await shared(rows, {
    group,
    cost: rowTokens,
    compute: logProbsOf,
  });
  const pairs = rows.map((row, i) => {
    const references = reference?.logProbs(row) ?? [];
    const lengths = lossLengths(row);
    return logProbs[i]!.map((logProb, k) => ({
      logProb,
      refLogProb: references[k] ?? 0,
      length: lengths[k]!,
    }));
  });
  return statistics.reduce(pairs, lossOptions, state);
}
