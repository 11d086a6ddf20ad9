import { treeBatch } from "../data/tree_batch.ts";
import type { TokenRow } from "../data/example.ts";
import { gradient } from "../grad.ts";
import type {
  BatchStatistics,
  CompletionLogProbs,
  Loss,
  LossState,
  LossTerms,
} from "../losses/loss.ts";
import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import { lossTerms } from "../losses/terms.ts";
import { Graph, type Value } from "../onnx/graph/graph.ts";
import type { InputTable } from "../onnx/graph/input_table.ts";
import type { Float } from "../onnx/graph/tensor_type.ts";
import { fillInputs, inputValues } from "../onnx/inputs.ts";
import { compile } from "../onnx/session.ts";
import { hostData, type HostTensor } from "../onnx/tensors.ts";
import { add, div, max } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { sum } from "../ops/shaping.ts";
import { batchTotals } from "../train/examples.ts";
import { batchInputs, lossInputs, type MicroBatch } from "../train/feeds.ts";

/** Log-probabilities of a completion, in nats, as a model would give them. */
export interface GivenCompletion {
  /** log π_θ(y|x). */
  readonly logProb: number;
  /** log π_ref(y|x). @default 0 */
  readonly refLogProb?: number;
  /** Tokens; they share its log-probability equally. @default 1 */
  readonly length?: number;
  /** Its rating. @default 1 less than that of the completion before it */
  readonly rating?: number;
}

/** Everything that a loss can read of an example, as numbers. */
export interface GivenExample {
  /** One, a chosen and a rejected one, or a list from best to worst. */
  readonly completions: readonly GivenCompletion[];
  /** Without its first token. @default log-probability 0, no tokens */
  readonly prompt?: { readonly logProb: number; readonly length: number };
  /** Desirability. @default true */
  readonly label?: boolean;
  /** How often it counts in totals over the batch. @default 1 */
  readonly weight?: number;
}

/** How a loss is computed on numbers. */
export interface LossGraphOptions {
  /** Values of the loss's options. @default their defaults */
  readonly lossOptions?: LossOptionValues;
  /** Type of the arithmetic. @default "float32" */
  readonly float?: Float;
  /** log π_θ − log π_ref of mismatched completions, where a loss has them. */
  readonly mismatched?: readonly number[];
  /** The loss's state after earlier steps. @default its initial state */
  readonly state?: LossState;
  /** Values of statistics. @default from the examples */
  readonly statistics?: BatchStatistics["values"];
  /**
   * The log-probability of the i-th token above its equal share.
   * @default 0
   */
  readonly deviation?: (token: number) => number;
  /** The draw of whatever the loss samples. @default 0 */
  readonly draw?: number;
  /** log Σ_v π(v)² at each token. @default −1 */
  readonly collision?: number;
}

/** A loss over numbers instead of a model, with the feeds of its graph. */
export interface LossGraph extends LossTerms {
  /** log π of each completion, then of each prompt, `[Q]`, the last padding. */
  readonly logProbs: Value;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/** Inputs that stand for what a model computes. */
const MODEL_INPUTS = {
  logProbs: {
    shape: ["Q"],
    fill: ({ examples }) => [
      ...examples.flatMap(({ completions }) =>
        completions.map(({ logProb }) => logProb)
      ),
      ...examples.map(({ prompt }) => prompt?.logProb ?? 0),
      0,
    ],
  },
  deviations: {
    shape: ["S"],
    fill: ({ tokens, deviation = () => 0 }) =>
      Array.from({ length: tokens }, (_, i) => deviation(i)),
  },
  collisions: {
    shape: ["S"],
    fill: ({ tokens, collision = -1 }) => new Array(tokens).fill(collision),
  },
} satisfies InputTable<
  & Pick<LossGraphOptions, "deviation" | "collision">
  & { examples: readonly GivenExample[]; tokens: number }
>;

/** Builds a loss that reads log-probabilities from inputs of its graph. */
export function lossGraph(
  loss: Loss,
  examples: readonly GivenExample[],
  { lossOptions: given, float = "float32", ...options }: LossGraphOptions = {},
): LossGraph {
  const lossOptions = resolveOptions(loss, given);
  const graph = new Graph({ float });
  const model = inputValues(graph, MODEL_INPUTS);
  const { logProbs } = model;
  const inputs = lossInputs(graph, loss, {
    logProbs,
    get tokenLogProbs() {
      const { lengths, sequences } = inputs.batch;
      const share = gather(div(logProbs, max(lengths, 1)), sequences);
      return add(share, model.deviations);
    },
    get collisions() {
      return model.collisions;
    },
  });
  const terms = lossTerms(loss, lossOptions, inputs);
  const batch = batchOf(loss, examples, { lossOptions, ...options });
  const tokens = batch.tree.sequences.length;
  return {
    ...terms,
    logProbs,
    feeds: {
      ...fillInputs(batchInputs(loss), batch, graph),
      ...fillInputs(MODEL_INPUTS, { ...options, examples, tokens }, graph),
    },
  };
}

type BatchOptions =
  & Pick<LossGraphOptions, "mismatched" | "state" | "statistics" | "draw">
  & { lossOptions: LossOptionValues };

/** The examples as a micro-batch that is the whole optimizer batch. */
function batchOf(
  loss: Loss,
  examples: readonly GivenExample[],
  options: BatchOptions,
): MicroBatch {
  const rows = examples.map(rowOf);
  return {
    tree: treeBatch(rows, { scorePrompts: true }),
    rows,
    examples: rows,
    totals: batchTotals(rows),
    start: 0,
    draw: options.draw ?? 0,
    reference: {
      logProbs: ({ refLogProbs }: GivenRow) => refLogProbs,
      tokenLogProbs: ({ completions }: GivenRow) => completions,
    },
    lossOptions: options.lossOptions,
    statistics: statisticsOf(loss, examples, options),
  };
}
interface GivenRow extends TokenRow {
  readonly label: boolean;
  readonly weight: number;
  readonly refLogProbs: readonly number[];
  readonly ratings: readonly number[];
}

/** Makes a row of as many tokens, whose ids are their shares of the reference. */
function rowOf(
  { completions, prompt, label = true, weight = 1 }: GivenExample,
): GivenRow {
  return {
    label,
    weight,
    prompt: new Array(1 + (prompt?.length ?? 0)).fill(0),
    completions: completions.map(({ length = 1, refLogProb = 0 }) =>
      new Array(length).fill(refLogProb / length)
    ),
    refLogProbs: completions.map(({ refLogProb = 0 }) => refLogProb),
    ratings: completions.map(({ rating }, k) => rating ?? -k),
  };
}

function statisticsOf(
  { statistics }: Loss,
  examples: readonly GivenExample[],
  { lossOptions, mismatched, state, statistics: given }: BatchOptions,
): BatchStatistics["values"] {
  if (!statistics) return {};
  if (given) return given;
  const rows =
    mismatched?.map((logProb) => [{ logProb, refLogProb: 0, length: 1 }]) ??
      examples.map(logProbPairs);
  return statistics.reduce(
    rows,
    lossOptions,
    state ?? statistics.initialState ?? {},
  ).values;
}

/** Log-probabilities of an example as statistics read them. */
export function logProbPairs(
  { completions }: GivenExample,
): CompletionLogProbs[] {
  return completions.map(({ logProb, refLogProb = 0, length = 1 }) => ({
    logProb,
    refLogProb,
    length,
  }));
}

/** The result of {@linkcode runLoss}. */
export interface LossRun {
  /** The loss of each example. */
  readonly losses: readonly number[];
  /** Its parts of each example. */
  readonly metrics: Readonly<Record<string, readonly number[]>>;
  /** ∂ Σ loss / ∂ log π of each completion of each example. */
  readonly gradients: readonly (readonly number[])[];
  /** ∂ Σ loss / ∂ log π of each example's prompt. */
  readonly promptGradients: readonly number[];
}

/** Values and gradients of a loss on one batch. */
export async function runLoss(
  loss: Loss,
  examples: readonly GivenExample[],
  options: LossGraphOptions = {},
): Promise<LossRun> {
  const { logProbs, feeds, metrics = {}, loss: each } = lossGraph(
    loss,
    examples,
    options,
  );
  const [slope] = gradient(sum(each), [logProbs]);
  const program = await compile({ each, slope: slope!, ...metrics });
  const results = await program.run(feeds);
  await program.release();
  const read = (name: string) => Array.from(hostData(results[name]));
  const slopes = read("slope");
  return {
    losses: read("each"),
    metrics: Object.fromEntries(
      Object.keys(metrics).map((name) => [name, read(name)]),
    ),
    gradients: examples.map(({ completions }) =>
      slopes.splice(0, completions.length)
    ),
    promptGradients: slopes.slice(0, examples.length),
  };
}
