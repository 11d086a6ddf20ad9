import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import { microBatches } from "../data/sampler.ts";
import { treeBatch } from "../data/tree_batch.ts";
import { optionInput } from "../losses/batch_inputs.ts";
import type { Carried, Loss, Reduced } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { lossReads, type Reads } from "../losses/requirements.ts";
import { batchMetrics, groupMeans, mean, scoredBatch } from "./metrics.ts";
import {
  exampleFeeds,
  rowOf,
  scalarFeeds,
  sequenceFeeds,
  statisticFeeds,
  tokenFeeds,
  totalFeeds,
  weightsOf,
} from "./feeds.ts";
import { hostData, type Tensor, type Tensors } from "../onnx/session.ts";
import type { Reference } from "./reference.ts";
import { metricName } from "./objective.ts";

export interface BatchOptions {
  settings: LossOptionValues;
  reference: Reference | null;
}

/** What a batch gave. */
export interface BatchResult {
  /** Mean of the loss over the examples, by weight. */
  readonly loss: number;
  /** `logps/*`, `rewards/*`, the loss's own parts and statistics. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly examples: number;
  /** Tokens that went through the model for the loss. */
  readonly tokens: number;
  /** log π of each example's completions. */
  readonly logProbs: readonly (readonly number[])[];
}

interface PassOptions {
  loss: Loss;
  /** Choices that are compiled into the loss's graph. */
  settings: LossOptionValues;
  /** Slots of a micro-batch. */
  microTokens: number;
  /** The number of scored tokens of a micro-batch is a multiple of this. */
  chunks: number;
}

type RunProgram = (feeds: Tensors) => Promise<Record<string, Tensor>>;

/** How an optimizer batch goes through the graph of its loss, piece by piece. */
export class BatchPass {
  readonly #reads: Reads;

  constructor(private readonly options: PassOptions) {
    this.#reads = lossReads(options.loss, options.settings);
  }

  /**
   * What couples the batch's examples.
   *
   * @param score gives log π of each completion, by a forward pass of its own.
   */
  async statistics(
    examples: readonly Example[],
    { settings, reference, carried }: BatchOptions & { carried: Carried },
    score: (
      rows: readonly TokenRow[],
    ) => Promise<readonly (readonly number[])[]>,
  ): Promise<Reduced> {
    const { loss } = this.options;
    const { statistics } = loss;
    if (!statistics) return { inputs: {}, metrics: {} };
    const rows = examples.map((example) => rowOf(example, loss));
    const scored = statistics.rows?.(rows, settings) ?? rows;
    const logProbs = await score(scored);
    const scores = scored.map((row, i) => {
      const references = reference?.logProbs(row) ?? [];
      return logProbs[i]!.map((logProb, k) => ({
        logProb,
        refLogProb: references[k] ?? 0,
      }));
    });
    return statistics.reduce(scores, settings, carried);
  }

  /**
   * The loss and metrics of a batch, cut into micro-batches in its own order.
   * Longest first would pad least and is as exact, but moves the last digits,
   * and a run that is chaotic over thousands of steps would then end elsewhere
   * than it was recorded.
   *
   * @param program runs the graph on what a micro-batch feeds.
   */
  async run(
    examples: readonly Example[],
    { settings, reference, statistics }: BatchOptions & { statistics: Reduced },
    program: RunProgram,
  ): Promise<BatchResult> {
    const { loss, microTokens } = this.options;
    const rows = examples.map((example) => rowOf(example, loss));
    const weights = weightsOf(examples);
    const shared = {
      ...totalFeeds(examples),
      ...scalarFeeds(settings, optionInput),
    };
    const collected = new Collected();
    for (const range of microBatches(rows, microTokens)) {
      const part = rows.slice(...range);
      const { feeds, tokens } = this.#rowFeeds(part, reference);
      const output = await program({
        ...feeds,
        ...exampleFeeds(part, examples.slice(...range)),
        ...statisticFeeds(statistics.inputs, range),
        ...shared,
      });
      collected.add(part, output, tokens);
    }
    const { logProbs, tokens } = collected;
    const refLogProbs = reference && rows.map((row) => reference.logProbs(row));
    const scored = scoredBatch(examples, { logProbs, refLogProbs });
    return {
      loss: mean(collected.losses, weights),
      metrics: {
        ...batchMetrics(scored, Number(settings["beta"] ?? 1)),
        ...groupMeans("weights", examples, collected.slopes(weights)),
        ...groupMeans("lengths", examples, rows.map(lossLengths)),
        ...collected.metricMeans(weights),
        ...statistics.metrics,
      },
      examples: examples.length,
      tokens,
      logProbs,
    };
  }

  /** What a micro-batch's rows and their reference come to. */
  #rowFeeds(
    rows: readonly TokenRow[],
    reference: Reference | null,
  ): { feeds: Tensors; tokens: number } {
    const { prompts, tokenReference } = this.#reads;
    const tree = treeBatch(rows, {
      scorePrompts: prompts,
      multiple: this.options.chunks,
    });
    const references = rows.flatMap((row) => reference?.logProbs(row) ?? []);
    const feeds = {
      ...tree.feeds,
      ...sequenceFeeds(tree.lengths, references),
      ...tokenFeeds(tree, rows, tokenReference ? reference : null),
    };
    return { feeds, tokens: tree.tokens };
  }
}

/** What the micro-batches of an optimizer batch gave, put together. */
export class Collected {
  readonly losses: number[] = [];
  /** log π of each row's completions. */
  readonly logProbs: number[][] = [];
  /**
   * By how much the loss, times its example's weight, changes with the
   * log-probability of each of them, a mean over its scored tokens; empty where
   * no gradient was asked for.
   */
  readonly weights: number[][] = [];
  tokens = 0;
  readonly #metrics = new Map<string, number[]>();

  add(
    rows: readonly TokenRow[],
    output: Readonly<Record<string, Tensor>>,
    tokens: number,
  ): void {
    this.losses.push(...hostData(output["loss"]));
    this.logProbs.push(...byRow(rows, output["logProbs"]!));
    if (output["weights"]) this.#addWeights(rows, output["weights"]);
    for (const [name, tensor] of Object.entries(output)) {
      const metric = metricName(name);
      if (!metric) continue;
      const values = this.#metrics.get(metric) ?? [];
      this.#metrics.set(metric, [...values, ...hostData(tensor)]);
    }
    this.tokens += tokens;
  }

  /** The same without the examples' own weights. */
  slopes(ofExamples: readonly number[]): number[][] {
    return this.weights.map((list, i) =>
      list.map((x) => x / (ofExamples[i]! || 1))
    );
  }

  /** @param weights of the examples. @default 1 each */
  metricMeans(weights?: readonly number[]): Record<string, number> {
    return Object.fromEntries(
      this.#metrics.entries().map(([name, values]) =>
        [name, mean(values, weights)] as const
      ),
    );
  }

  #addWeights(rows: readonly TokenRow[], weights: Tensor): void {
    for (const [i, list] of byRow(rows, weights).entries()) {
      const lengths = lossLengths(rows[i]!);
      // An empty completion has no token that could change.
      this.weights.push(list.map((x, k) => Math.abs(x) / (lengths[k]! || 1)));
    }
  }
}

/** A number of each completion, by rows; what follows them is left. */
function byRow(rows: readonly TokenRow[], tensor: Tensor): number[][] {
  const flat = Array.from(hostData(tensor));
  return rows.map(({ completions }) => flat.splice(0, completions.length));
}
