import type { Example } from "../data/example.ts";
import { optimizerBatches } from "../data/sampler.ts";
import type { Group } from "../distributed/group.ts";
import type { BatchStatistics, Loss } from "../losses/loss.ts";
import type { Program } from "../onnx/program.ts";
import { compile, type CompileOptions } from "../onnx/session.ts";
import type { Tensors } from "../onnx/tensors.ts";
import { BatchOutputs } from "./batch_outputs.ts";
import { batchTotals } from "./examples.ts";
import { mean } from "./metrics.ts";
import {
  type BatchOptions,
  type BatchResult,
  batchResult,
  runInMicroBatches,
} from "./micro_batches.ts";
import { forwardOutputs, type Objective } from "./objective.ts";

/** How a set of examples is evaluated. */
export interface EvaluationOptions extends BatchOptions {
  /**
   * Examples of a batch, for losses with statistics that couple those of a
   * batch; it moves no other metric. @default all of them
   */
  batch?: number;
}

/** Cuts examples into batches that are large enough for a loss. */
export function lossBatches<T>(
  examples: readonly T[],
  size: number,
  { minimumBatch = 1 }: Loss,
): T[][] {
  return optimizerBatches(examples, { size, minimum: minimumBatch });
}

/** A loss without gradients; its graph is compiled when it is first used. */
export class Evaluator {
  #program: Promise<Program> | undefined;

  constructor(
    private readonly objective: Objective,
    private readonly options: CompileOptions & {
      group: Group;
      loss: Loss;
      microTokens: number;
    },
  ) {}

  /**
   * Computes loss and metrics of a set of examples: the means, by weight, over
   * those that have them, however the set is cut into batches. Only statistics
   * belong to a batch: theirs are means over batches, by their examples'
   * weights, and a loss that reads them is that of its batches.
   *
   * @param options `statisticsOf` gives those of a batch.
   * @throws RangeError where all weights are 0.
   */
  async evaluate(
    examples: readonly Example[],
    { batch = examples.length, parameters, statisticsOf, ...options }:
      & EvaluationOptions
      & {
        parameters: Tensors;
        statisticsOf: (batch: readonly Example[]) => Promise<BatchStatistics>;
      },
  ): Promise<BatchResult> {
    const { objective, options: { group, loss, microTokens } } = this;
    const program = await (this.#program ??= compile(
      forwardOutputs(objective),
      this.options,
    ));
    const totals = batchTotals(examples);
    const outputs = new BatchOutputs();
    const statistics: BatchMetrics[] = [];
    for (const part of lossBatches(examples, batch, loss)) {
      const { values, metrics } = await statisticsOf(part);
      const weight = part.reduce((sum, { weight = 1 }) => sum + weight, 0);
      statistics.push({ weight, metrics });
      const setup = { ...options, group, objective, loss, microTokens, totals };
      await runInMicroBatches(
        part,
        { ...setup, outputs, draw: 0, statistics: values },
        (feeds) => program.run({ ...feeds, ...parameters }),
      );
    }
    return batchResult(examples, outputs, {
      ...options,
      loss,
      statistics: statisticMeans(statistics),
    });
  }

  async release(): Promise<void> {
    await (await this.#program)?.release();
  }
}

/** Metrics of a batch's statistics, and the weight of its examples. */
interface BatchMetrics {
  readonly weight: number;
  readonly metrics: BatchStatistics["metrics"];
}

/** Means of statistics over batches, by the weights of their examples. */
function statisticMeans(
  batches: readonly BatchMetrics[],
): Record<string, number> {
  const names = new Set(batches.flatMap(({ metrics }) => Object.keys(metrics)));
  return Object.fromEntries([...names].map((name) => {
    const having = batches.filter(({ metrics }) => name in metrics);
    const values = having.map(({ metrics }) => metrics[name]!);
    return [name, mean(values, having.map(({ weight }) => weight))];
  }));
}
