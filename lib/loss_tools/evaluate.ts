import { treeBatch } from "../data/tree_batch.ts";
import type { TokenRow } from "../data/example.ts";
import { gradient } from "../grad.ts";
import { inputOf, lossTerms, optionInput } from "../losses/batch_inputs.ts";
import type { Carried, Loss, LossTerms, Reduced } from "../losses/loss.ts";
import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import {
  exampleFeeds,
  scalarFeeds,
  sequenceFeeds,
  statisticFeeds,
  tokenFeeds,
  totalFeeds,
} from "../train/feeds.ts";
import { type Float, Graph, type Value } from "../onnx/graph.ts";
import { compile, hostData, type HostTensor } from "../onnx/session.ts";
import { add, div, max } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { sum } from "../ops/shaping.ts";

/** Log-probabilities of a completion, in nats, as a model would give them. */
export interface GivenCompletion {
  readonly logProb: number;
  /** @default 0 */
  readonly refLogProb?: number;
  /** Tokens; they share its log-probability equally. @default 1 */
  readonly length?: number;
}

/** What a loss reads of an example, as numbers. */
export interface GivenExample {
  /** One, a chosen and a rejected one, or a list from best to worst. */
  readonly completions: readonly GivenCompletion[];
  /** Without its first token. @default log-probability 0, no tokens */
  readonly prompt?: { readonly logProb: number; readonly length: number };
  /** Desirability. @default true */
  readonly label?: boolean;
}

export interface LossGraphOptions {
  readonly settings?: LossOptionValues;
  /** @default "float32" */
  readonly float?: Float;
  /** log π_θ − log π_ref of mismatched completions, where a loss has them. */
  readonly mismatched?: readonly number[];
  /** What the loss carries from earlier steps. @default its start */
  readonly carried?: Carried;
  /** Values of statistics. @default from the examples */
  readonly statistics?: Reduced["inputs"];
  /**
   * By how much the log-probability of the i-th token is above its share.
   * @default 0
   */
  readonly deviation?: (token: number) => number;
  /** log Σ_v π(v)² at each token. @default −1 */
  readonly collision?: number;
}

/** A loss over numbers instead of a model, with what its graph is fed. */
export interface LossGraph extends LossTerms {
  /** log π of each completion, then of each prompt, `[Q]`, the last padding. */
  readonly logProbs: Value;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/** The graph of a loss that reads log-probabilities from its inputs. */
export function lossGraph(
  loss: Loss,
  examples: readonly GivenExample[],
  { settings: given = {}, float = "float32", ...options }: LossGraphOptions =
    {},
): LossGraph {
  const settings = resolveOptions(loss, given);
  const graph = new Graph({ float });
  const logProbs = graph.input("logProbs", ["Q"]);
  const vector = (name: string) => inputOf(graph, name, { shape: ["S"] });
  const sequences = () =>
    inputOf(graph, "sequences", { shape: ["S"], dtype: "int32" });
  const terms = lossTerms(loss, settings, {
    logProbs,
    sequences,
    tokens: () => {
      const lengths = inputOf(graph, "lengths", { shape: ["Q"] });
      const share = gather(div(logProbs, max(lengths, 1)), sequences());
      return add(share, vector("deviation"));
    },
    collisions: () => vector("collision"),
    zeros: () => inputOf(graph, "zeros", { shape: ["Q"] }),
  });
  const feeds = feedsOf(loss, examples, { settings, ...options });
  return {
    ...terms,
    logProbs,
    feeds: float === "float64" ? widened(feeds) : feeds,
  };
}

type FeedOptions =
  & Omit<LossGraphOptions, "settings" | "float">
  & { settings: LossOptionValues };

function feedsOf(
  loss: Loss,
  examples: readonly GivenExample[],
  { settings, deviation = () => 0, collision = -1, ...options }: FeedOptions,
): Record<string, HostTensor> {
  const rows = examples.map(rowOf);
  const tree = treeBatch(rows, { scorePrompts: true });
  const completions = examples.flatMap(({ completions }) => completions);
  const prompts = examples.map(({ prompt }) => prompt?.logProb ?? 0);
  const references = completions.map(({ refLogProb = 0 }) => refLogProb);
  const tokens = tree.feeds.sequences.data.length;
  const { inputs } = statisticsOf(loss, examples, { settings, ...options });
  return {
    ...tree.feeds,
    ...totalFeeds(rows),
    ...exampleFeeds(rows, rows),
    ...sequenceFeeds(tree.lengths, references),
    ...tokenFeeds(tree, rows, {
      logProbs: () => [],
      tokenLogProbs: ({ completions }) => completions,
    }),
    ...statisticFeeds(inputs, [0, examples.length]),
    ...scalarFeeds(settings, optionInput),
    logProbs: floats([
      ...completions.map(({ logProb }) => logProb),
      ...prompts,
      0,
    ]),
    deviation: floats(Array.from({ length: tokens }, (_, i) => deviation(i))),
    collision: floats(new Array(tokens).fill(collision)),
  };
}

/** A row of as many tokens, each of which is its share of the reference. */
function rowOf(
  { completions, prompt, label = true }: GivenExample,
): TokenRow & { label: boolean } {
  return {
    label,
    prompt: new Array(1 + (prompt?.length ?? 0)).fill(0),
    completions: completions.map(({ length = 1, refLogProb = 0 }) =>
      new Array(length).fill(refLogProb / length)
    ),
  };
}

function statisticsOf(
  { statistics }: Loss,
  examples: readonly GivenExample[],
  { settings, mismatched, carried, statistics: inputs }: FeedOptions,
): Pick<Reduced, "inputs"> {
  if (!statistics) return { inputs: {} };
  if (inputs) return { inputs };
  const rows = mismatched?.map((logProb) => [{ logProb, refLogProb: 0 }]) ??
    examples.map(({ completions }) =>
      completions.map(({ logProb, refLogProb = 0 }) => ({
        logProb,
        refLogProb,
      }))
    );
  return statistics.reduce(rows, settings, carried ?? statistics.carries ?? {});
}

function floats(list: readonly number[]): HostTensor {
  return { data: Float32Array.from(list), shape: [list.length] };
}

/** The same with floats in double precision. */
export function widened(
  feeds: Readonly<Record<string, HostTensor>>,
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      data instanceof Float32Array
        ? { data: Float64Array.from(data), shape }
        : { data, shape },
    ]),
  );
}

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
